"""What the pipeline does with an answer that holds nothing to say, in a session without a room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import AgentSession, APIConnectOptions, ChatContext, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice import io

from agent_runtime.agents import parse_registered
from agent_runtime.agents.profiles import PACES
from agent_runtime.agents.sections import Profile
from agent_runtime.text.markdown import without_markdown
from agent_runtime.voice.pipeline.session import ConfiguredAgent
from agent_runtime.voice.turns.floor import Floor

RATE = 24_000


class Voice(tts.TTS):
    """Speech synthesis that records its text, and makes 20 ms of sound of any."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True), sample_rate=RATE, num_channels=1
        )
        self.spoken: list[str] = []
        self.ends = 0

    def synthesize(self, text: str, **_given: Any) -> Any:
        """The pipeline streams."""
        raise NotImplementedError

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> Any:
        """One answer."""
        return VoiceStream(tts=self, conn_options=conn_options)


class VoiceStream(tts.SynthesizeStream):
    """One answer."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice = self._tts
        assert isinstance(voice, Voice)
        output_emitter.initialize(
            request_id="r", sample_rate=RATE, num_channels=1, mime_type="audio/pcm", stream=True
        )
        output_emitter.start_segment(segment_id="s")
        async for text in self._input_ch:
            if isinstance(text, str):
                voice.spoken.append(text)
                output_emitter.push(bytes(RATE // 50 * 2))
        voice.ends += 1
        output_emitter.end_segment()


class Loudspeaker(io.AudioOutput):
    """Plays at once."""

    def __init__(self) -> None:
        super().__init__(
            label="test", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE
        )

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Play a frame."""
        await super().capture_frame(frame)

    def flush(self) -> None:
        """The end of an answer."""
        super().flush()
        self.on_playback_finished(playback_position=0.02, interrupted=False)

    def clear_buffer(self) -> None:
        """Nothing is buffered."""


@pytest.mark.parametrize(
    ("text", "spoken", "learned"),
    [("\U0001f600", "", [True, False]), ("***", "", [True, False]), ("Hello.", "Hello.", [True])],
)
async def test_an_answer_without_words_reaches_no_voice(
    text: str, spoken: str, learned: list[bool]
) -> None:
    """Speech synthesis gets neither text nor its end, no error follows, and the watchdog learns why."""
    voice, errors, answers = Voice(), list[object](), list[bool]()
    session: AgentSession[None] = AgentSession(
        tts=voice, tts_text_transforms=[without_markdown, "filter_emoji"]
    )
    session.on("error", errors.append)
    session.output.audio = Loudspeaker()
    config = parse_registered({})
    pace = PACES[Profile.BALANCED]
    agent = ConfiguredAgent(config, pace, ChatContext(), session, Floor(), answers.append)
    await session.start(agent)
    async with asyncio.timeout(5):
        await session.say(text).wait_for_playout()
    await session.aclose()
    assert ("".join(voice.spoken), bool(voice.ends)) == (spoken, bool(spoken))
    assert (answers, errors) == (learned, [])
