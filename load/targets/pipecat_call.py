"""One call answered by Pipecat: the pipeline that its command line generates, on its LiveKit transport.

Transport, services and aggregators have their defaults. Only addresses, keys, prompt and the voice, which
Cartesia requires, are set.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Final

from livekit import api
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.services.cartesia.tts import CartesiaTTSService
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.transports.livekit.transport import LiveKitParams, LiveKitTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from fixtures.agents import sample_agent

SAMPLE: Final = "receptionist"
VOICE: Final = "86e30c1d-714b-4074-a1f2-1cb6b552fb49"  # the voice of Pipecat's generated projects


class EndOfTurn(StrEnum):
    """What decides that the caller's turn is over, after Silero detected 200 ms of silence."""

    SMART_TURN = "pipecat"  # the default: a model that judges the audio
    TIMEOUT = "pipecat-timeout"  # the silence alone, with the shortest timeout, 0


class PipecatCall:
    """Answers the call in `room`."""

    def __init__(self, room: str, end_of_turn: EndOfTurn) -> None:
        self._agent = sample_agent(SAMPLE)
        self._transport = LiveKitTransport(
            os.environ["LIVEKIT_URL"],
            _token(room),
            room,
            params=LiveKitParams(audio_in_enabled=True, audio_out_enabled=True),
        )
        timeout = UserTurnStrategies(
            stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0)]
        )
        user, assistant = LLMContextAggregatorPair(
            LLMContext(),
            user_params=LLMUserAggregatorParams(
                vad_analyzer=SileroVADAnalyzer(),
                user_turn_strategies=timeout if end_of_turn is EndOfTurn.TIMEOUT else None,
            ),
        )
        pipeline = Pipeline(
            [
                self._transport.input(),
                _stt(),
                user,
                _llm(self._agent["systemPrompt"]),
                _tts(),
                self._transport.output(),
                assistant,
            ]
        )
        self._worker = PipelineWorker(
            pipeline, params=PipelineParams(enable_metrics=True, enable_usage_metrics=True)
        )
        self._runner = WorkerRunner(handle_sigint=False)
        self._transport.add_event_handler("on_client_connected", self._greet)
        self._transport.add_event_handler("on_client_disconnected", self._hang_up)

    async def run(self) -> None:
        """Answer the call until the caller leaves or `end` is called."""
        await self._runner.add_workers(self._worker)
        await self._runner.run()

    async def end(self) -> None:
        """Make the agent leave the room."""
        await self._runner.cancel()

    async def _greet(self, _transport: object, _client: object) -> None:
        await self._worker.queue_frames([TTSSpeakFrame(self._agent["initialGreeting"])])

    async def _hang_up(self, _transport: object, _client: object) -> None:
        await self._runner.cancel()


def _token(room: str) -> str:
    """A token of kind agent; Pipecat's helper makes a standard one, which callers take for a caller."""
    return (
        api.AccessToken()  # reads LIVEKIT_API_KEY, LIVEKIT_API_SECRET
        .with_identity(f"agent-{room}")
        .with_kind("agent")
        .with_grants(api.VideoGrants(room_join=True, room=room, agent=True))
        .to_jwt()
    )


def _stt() -> DeepgramSTTService:
    # Pipecat expects the server's URL and adds the path itself.
    server = os.environ["DEEPGRAM_BASE_URL"].removesuffix("/v1/listen")
    return DeepgramSTTService(api_key=os.environ["DEEPGRAM_API_KEY"], base_url=server)


def _llm(prompt: str) -> OpenAILLMService:
    return OpenAILLMService(
        api_key=os.environ["OPENAI_API_KEY"],
        base_url=os.environ["OPENAI_BASE_URL"],
        settings=OpenAILLMService.Settings(system_instruction=prompt),
    )


def _tts() -> CartesiaTTSService:
    server = os.environ["CARTESIA_BASE_URL"].replace("http", "ws", 1)
    return CartesiaTTSService(
        api_key=os.environ["CARTESIA_API_KEY"],
        url=f"{server}/tts/websocket",
        settings=CartesiaTTSService.Settings(voice=VOICE),
    )
