"""What the conformance tests share: stand-ins that recognise by heart, builders, sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectOptions, llm, stt, tts

from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.providers import registry
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.settings import Settings
from agent_runtime.text.streaming import TextStreaming
from fixtures.providers import ProviderStandIns, provider_environ

RATE: Final = 16_000  # Hz, as the pipeline hands sound over
SENTENCE: Final = "What is the weather like in Paris today?"
# Seconds that an attempt may take in these tests: the loopback needs none of them.
ATTEMPT: Final = 1.0
ONCE: Final = APIConnectOptions(max_retry=0, timeout=ATTEMPT)
PATIENT: Final = APIConnectOptions(max_retry=50, retry_interval=0.05, timeout=ATTEMPT)
AGAIN: Final = APIConnectOptions(max_retry=3, retry_interval=0.05, timeout=ATTEMPT)


class ByHeart:
    """An utterance that is always the same sentence, and is known after a tenth of a second."""

    def __init__(self, rate: int) -> None:
        self._at_least = rate // 10 * 2
        self._bytes = 0
        self.sentence: str | None = None
        self.since = 0.0

    def hear(self, pcm: bytes) -> None:
        """Count the sound."""
        self._bytes += len(pcm)
        if self._bytes >= self._at_least:
            self.sentence = SENTENCE

    async def end(self) -> str | None:
        """The sentence."""
        return self.sentence


@dataclass(frozen=True)
class Bench:
    """Running stand-ins, and the settings of a worker that uses them."""

    stand_ins: ProviderStandIns
    defaults: Mapping[Stage, Mapping[str, ProviderDefaults]]

    @classmethod
    def of(cls, stand_ins: ProviderStandIns, url: str | None = None, **environ: str) -> Bench:
        """At the address of the stand-ins, or at `url` instead."""
        given = {**provider_environ(url or stand_ins.url), **environ}
        return cls(stand_ins, Settings.load(given).providers.defaults(EgressPolicy()))

    def with_wrong_keys(self) -> Bench:
        """A worker whose keys the stand-ins do not accept."""
        keys = (name for name in provider_environ("") if name.endswith(("_KEY", "_SECRET")))
        return Bench.of(self.stand_ins, **dict.fromkeys(keys, "a-wrong-key-of-32-bytes-at-least"))

    def stt(self, name: str, **choice: Any) -> stt.STT[Any]:
        """The plugin of speech to text."""
        return registry.speech_to_text(name)(
            ProviderChoice(name, **choice), self.defaults[Stage.STT][name], frame_ms=20
        )

    def llm(self, name: str, **choice: Any) -> llm.LLM[Any]:
        """The plugin of the language model."""
        return registry.language_model(name)(
            ProviderChoice(name, **choice), self.defaults[Stage.LLM][name], temperature=0.2
        )

    def tts(self, name: str, **choice: Any) -> tts.TTS[Any]:
        """The plugin of text to speech."""
        return registry.text_to_speech(name)(
            ProviderChoice(name, **choice),
            self.defaults[Stage.TTS][name],
            text_streaming=TextStreaming.CLAUSES,
        )


def frames(seconds: float, *, loud: bool) -> Iterator[rtc.AudioFrame]:
    """A tone or silence in frames of 20 ms."""
    size = RATE // 50
    tone = np.sin(np.arange(size) * 2 * np.pi * 400 / RATE) * 8000 * loud
    pcm = tone.astype("<i2").tobytes()
    for _ in range(round(seconds * 50)):
        yield rtc.AudioFrame(pcm, RATE, 1, size)


@asynccontextmanager
async def talking(stream: stt.RecognizeStream) -> AsyncIterator[None]:
    """Somebody says the sentence again and again, some hundred times faster than people do."""

    async def talk() -> None:
        with suppress(RuntimeError):  # the stream ended
            while True:
                for loud, seconds in ((True, 0.6), (False, 0.6)):
                    for frame in frames(seconds, loud=loud):
                        stream.push_frame(frame)
                        await asyncio.sleep(0.001)

    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def events_to_end_of_speech(stream: stt.RecognizeStream) -> list[stt.SpeechEvent]:
    """The events up to the first end of speech, without the figures of usage."""
    found: list[stt.SpeechEvent] = []
    async with asyncio.timeout(10):
        async for event in stream:
            if event.type is not stt.SpeechEventType.RECOGNITION_USAGE:
                found.append(event)
            if event.type is stt.SpeechEventType.END_OF_SPEECH:
                break
    return found


def finals(events: list[stt.SpeechEvent]) -> list[str]:
    """The texts of the final transcripts."""
    kind = stt.SpeechEventType.FINAL_TRANSCRIPT
    return [event.alternatives[0].text for event in events if event.type is kind]


@asynccontextmanager
async def mute_server() -> AsyncIterator[str]:
    """URL of a server that takes connections and never answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the block takes longer; a busy machine has a second more."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    yield
    assert loop.time() - began < seconds + 1
