"""The list for speech to text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit.agents import APIError, APIStatusError, metrics, stt

from fixtures.providers.common.faults import Kind

from .bench import (
    AGAIN,
    ATTEMPT,
    ONCE,
    PATIENT,
    SENTENCE,
    Bench,
    events_to_end_of_speech,
    finals,
    frames,
    mute_server,
    talking,
    within,
)

# Provider, and what an agent configures besides.
PROVIDERS = {
    "deepgram": {},
    "deepgram-flux": {"model": "flux-general-multi"},
    "assemblyai": {},
    "elevenlabs": {},
    "gladia": {},
    "openai": {},
    "inference": {"model": "deepgram/nova-3"},
}
Each = pytest.mark.parametrize("name", PROVIDERS)


def build(bench: Bench, name: str, **choice: Any) -> stt.STT[Any]:
    """The plugin as a call has it."""
    return bench.stt(name.partition("-")[0], **PROVIDERS[name], **choice)


@Each
async def test_interim_and_final_transcript_then_the_end_of_speech(bench: Bench, name: str) -> None:
    """An utterance is a start, an interim transcript at least, one final transcript, and an end."""
    async with build(bench, name).stream(conn_options=ONCE) as stream, talking(stream):
        events = await events_to_end_of_speech(stream)
        if not finals(events):  # OpenAI says that speech ended before it has the text
            async for event in stream:
                events.append(event)
                if finals(events):
                    break
    kinds = [event.type for event in events]
    assert kinds[0] is stt.SpeechEventType.START_OF_SPEECH
    assert stt.SpeechEventType.INTERIM_TRANSCRIPT in kinds
    assert finals(events) == [SENTENCE]


@Each
@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_language_goes_to_the_provider(bench: Bench, name: str, language: str) -> None:
    """The configured language is in the request; where the protocol reports one, it comes back."""
    async with (
        build(bench, name, language=f"{language}-US").stream(conn_options=ONCE) as stream,
        talking(stream),
    ):
        events = await events_to_end_of_speech(stream)
    asked = bench.stand_ins.recordings.streams[0]
    assert any(language in value for key, value in asked.items() if "language" in key)
    for event in events:
        if finals([event]) and name != "deepgram-flux":
            assert event.alternatives[0].language.startswith(language)


@Each
async def test_usage_is_reported(bench: Bench, name: str) -> None:
    """The seconds of sound that were recognised are reported, by provider and model."""
    plugin = build(bench, name)
    reported: list[metrics.STTMetrics] = []
    plugin.on("metrics_collected", reported.append)
    async with plugin.stream(conn_options=ONCE) as stream, talking(stream):
        async with asyncio.timeout(20):
            async for event in stream:
                usage = event.recognition_usage
                if usage is not None and usage.audio_duration > 0:
                    break
        await asyncio.sleep(0)
    assert any(one.audio_duration > 0 for one in reported)


@Each
async def test_a_wrong_key_is_401_and_is_not_retried(bench: Bench, name: str) -> None:
    """A wrong key fails at once, with the status, however often the pipeline would retry."""
    with within(ATTEMPT), pytest.raises(APIStatusError) as refused:
        async with build(bench.with_wrong_keys(), name).stream(conn_options=AGAIN) as stream:
            async for _ in stream:
                pass
    assert (refused.value.status_code, refused.value.retryable) == (401, False)


@Each
@pytest.mark.parametrize("kind", [Kind.LIMITED, Kind.BROKEN, Kind.CUT, Kind.CLOSED])
async def test_the_call_hears_again_after_a_failure(bench: Bench, name: str, kind: Kind) -> None:
    """After 429, 500, a lost connection or the end of the provider's session, the stream connects again.

    An orderly close is the hard one: Gladia's plugin takes it for the end of the call.
    """
    bench.stand_ins.shared.faults.set("stt", kind, 1)
    async with build(bench, name).stream(conn_options=AGAIN) as stream, talking(stream):
        async with asyncio.timeout(10):
            async for event in stream:
                if finals([event]):
                    break
    assert finals([event]) == [SENTENCE]
    assert bench.stand_ins.shared.faults.peek("stt") is None


@Each
async def test_too_many_requests_can_be_retried(bench: Bench, name: str) -> None:
    """429 is an error that the pipeline retries, or hands over to the next provider."""
    bench.stand_ins.shared.faults.set("stt", Kind.LIMITED)
    with within(ATTEMPT), pytest.raises(APIStatusError) as refused:
        async with build(bench, name).stream(conn_options=ONCE) as stream:
            async for _ in stream:
                pass
    assert (refused.value.status_code, refused.value.retryable) == (429, True)


@Each
@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.STALLED, Kind.SLOW])
async def test_the_call_survives_nonsense_and_silence(bench: Bench, name: str, kind: Kind) -> None:
    """Garbage, no answer and late answers end no call; it hears again when the provider does."""
    bench.stand_ins.shared.faults.set("stt", kind)
    async with build(bench, name).stream(conn_options=PATIENT) as stream, talking(stream):
        await asyncio.sleep(0.3)
        bench.stand_ins.shared.faults.clear()
        async with asyncio.timeout(10):
            async for event in stream:
                if finals([event]) == [SENTENCE]:  # the first one may be of half an utterance
                    break


@Each
async def test_a_server_that_never_answers_is_given_up(bench: Bench, name: str) -> None:
    """A connection that is accepted and not answered fails within the time of one attempt."""
    async with mute_server() as url:
        muted = Bench.of(bench.stand_ins, url)
        with within(2 * ATTEMPT), pytest.raises(APIError):
            async with build(muted, name).stream(conn_options=ONCE) as stream:
                async for _ in stream:
                    pass


@Each
async def test_after_a_minute_of_silence_the_next_words_are_heard(bench: Bench, name: str) -> None:
    """A caller who says nothing for a minute is heard afterwards, on the same connection."""
    async with build(bench, name).stream(conn_options=ONCE) as stream:
        for frame in frames(60, loud=False):
            stream.push_frame(frame)
        await asyncio.sleep(0.2)
        async with talking(stream), asyncio.timeout(10):
            async for event in stream:
                if finals([event]):
                    break
    assert finals([event]) == [SENTENCE]
    assert len(bench.stand_ins.recordings.streams) == 1


@Each
async def test_a_stream_is_cancelled_at_once(bench: Bench, name: str) -> None:
    """The end of a call in the middle of an utterance waits for nothing."""
    stream = build(bench, name).stream(conn_options=ONCE)
    async with talking(stream):
        async for event in stream:
            if event.type is stt.SpeechEventType.INTERIM_TRANSCRIPT:
                break
        with within(3):  # what waits for a timeout takes ten seconds
            await stream.aclose()
