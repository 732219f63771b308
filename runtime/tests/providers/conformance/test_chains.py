"""Mixed chains: any provider may be another's fallback, and no failure keeps a caller waiting for 5 s."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import pytest
from livekit.agents import APIConnectOptions, llm, stt, tts

from .bench import SENTENCE, Bench, finals, mute_server, talking, within

# Seconds of silence that a caller accepts, whatever provider fails.
LONGEST_SILENCE: Final = 5.0
# Seconds of an attempt, as a call has them with two providers.
ATTEMPT: Final = APIConnectOptions(max_retry=0, timeout=2.0)
STT = ("deepgram", "assemblyai", "elevenlabs", "gladia", "openai", "inference", "deepgram")
LLM = ("openai", "anthropic", "gemini", "inference", "openai")
TTS = ("cartesia", "elevenlabs", "openai", "deepgram", "inference", "cartesia")


@pytest.mark.parametrize(("first", "second"), list(pairwise(STT)))
async def test_the_next_one_hears(bench: Bench, first: str, second: str) -> None:
    """A recogniser that never answers hands over to one of another vendor."""
    async with mute_server() as url:
        muted = Bench.of(bench.stand_ins, url)
        chain = stt.FallbackAdapter(
            [muted.stt(first), bench.stt(second)], attempt_timeout=2.0, max_retry_per_stt=0
        )
        with within(LONGEST_SILENCE):
            async with chain.stream(conn_options=ATTEMPT) as stream, talking(stream):
                async for event in stream:
                    if finals([event]) == [SENTENCE]:
                        break
        await chain.aclose()


@pytest.mark.parametrize(("first", "second"), list(pairwise(LLM)))
async def test_the_next_one_answers(bench: Bench, first: str, second: str) -> None:
    """A model that never answers hands over to one of another vendor."""
    async with mute_server() as url:
        chain = llm.FallbackAdapter(
            [Bench.of(bench.stand_ins, url).llm(first), bench.llm(second)],
            attempt_timeout=2.0,
            max_retry_per_llm=0,
        )
        context = llm.ChatContext()
        context.add_message(role="user", content="Hello")
        with within(LONGEST_SILENCE):
            async with chain.chat(chat_ctx=context, conn_options=ATTEMPT) as stream:
                chunks = [chunk async for chunk in stream]
        assert any(chunk.delta and chunk.delta.content for chunk in chunks)
        await chain.aclose()


@pytest.mark.parametrize(("first", "second"), list(pairwise(TTS)))
async def test_the_next_one_speaks(bench: Bench, first: str, second: str) -> None:
    """A voice that never answers hands over to one of another vendor."""
    async with mute_server() as url:
        chain = tts.FallbackAdapter(
            [Bench.of(bench.stand_ins, url).tts(first), bench.tts(second)], max_retry_per_tts=0
        )
        with within(LONGEST_SILENCE):
            async with chain.stream(conn_options=ATTEMPT) as stream:
                stream.push_text("It is sunny and warm in Paris.")
                stream.end_input()
                audio = await anext(aiter(stream))
        assert audio.frame.duration > 0
        await chain.aclose()
