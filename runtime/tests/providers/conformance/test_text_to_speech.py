"""The list for text to speech."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit.agents import APIError, APIStatusError, metrics, tts

from fixtures.providers.common.faults import Kind

from .bench import AGAIN, ATTEMPT, ONCE, Bench, mute_server, within

# Provider, and what an agent configures besides.
PROVIDERS = {
    "cartesia": {},
    "elevenlabs": {},
    "openai": {},
    "deepgram": {},
    "deepgram-flux": {"voice_id": "flux-alexis-en"},
    "inference": {"model": "cartesia/sonic-3"},
}
Each = pytest.mark.parametrize("name", PROVIDERS)
TEXT = "It is sunny and warm in Paris. There may be rain in the evening."


def build(bench: Bench, name: str, **choice: Any) -> tts.TTS[Any]:
    """The plugin as a call has it."""
    return bench.tts(name.partition("-")[0], **{**PROVIDERS[name], **choice})


async def seconds_of(plugin: tts.TTS[Any], text: str = TEXT, options: Any = ONCE) -> float:
    """Have the text spoken word by word, as it comes from a model; the seconds of sound."""
    async with plugin.stream(conn_options=options) as stream:
        for word in text.split():
            stream.push_text(f"{word} ")
        stream.end_input()
        return sum([audio.frame.duration async for audio in stream])


@Each
@pytest.mark.parametrize("text", [TEXT, "Hace sol y calor. ¿Quiere algo más?"])
async def test_all_words_are_spoken(bench: Bench, name: str, text: str) -> None:
    """The words reach the provider whole and in order, and come back as sound."""
    plugin = build(bench, name)
    assert 1.5 < await seconds_of(plugin, text) < 10
    spoken = " ".join(one.text for one in bench.stand_ins.recordings.spoken)
    assert spoken.split() == text.split()
    assert not any(one.cancelled for one in bench.stand_ins.recordings.spoken)
    await plugin.aclose()


@Each
async def test_the_first_sentence_is_spoken_before_the_second_is_known(
    bench: Bench, name: str
) -> None:
    """Sound comes while the model still writes."""
    plugin = build(bench, name)
    async with plugin.stream(conn_options=ONCE) as stream, asyncio.timeout(5):
        for word in ["It", "is", "sunny", "and", "warm", "in", "Paris.", "There", "may", "be"]:
            stream.push_text(f"{word} ")
        assert (await anext(aiter(stream))).frame.duration > 0
    await plugin.aclose()


@Each
async def test_usage_is_reported(bench: Bench, name: str) -> None:
    """Characters and seconds of sound are reported."""
    plugin = build(bench, name)
    reported: list[metrics.TTSMetrics] = []
    plugin.on("metrics_collected", reported.append)
    await seconds_of(plugin)
    await asyncio.sleep(0.05)
    assert sum(one.characters_count for one in reported) >= len(TEXT) - 5
    assert sum(one.audio_duration for one in reported) > 1
    await plugin.aclose()


@Each
async def test_the_voice_goes_to_the_provider(bench: Bench, name: str) -> None:
    """The agent's voice is the one that speaks."""
    voice = "flux-emma-en" if name == "deepgram-flux" else "aura-2-emma-en"
    plugin = build(bench, name, voice_id=voice)
    await seconds_of(plugin)
    assert {one.voice for one in bench.stand_ins.recordings.spoken} == {voice}
    await plugin.aclose()


@Each
async def test_a_wrong_key_is_401_and_is_not_retried(bench: Bench, name: str) -> None:
    """A wrong key fails at once, with the status, however often the pipeline would retry."""
    plugin = build(bench.with_wrong_keys(), name)
    with within(ATTEMPT), pytest.raises(APIStatusError) as refused:
        await seconds_of(plugin, options=AGAIN)
    assert (refused.value.status_code, refused.value.retryable) == (401, False)
    await plugin.aclose()


@Each
@pytest.mark.parametrize("kind", [Kind.LIMITED, Kind.BROKEN, Kind.CUT])
async def test_the_pipeline_retries_after_a_failure(bench: Bench, name: str, kind: Kind) -> None:
    """After 429, 500 or a connection lost before the first sound, the next attempt speaks all words."""
    bench.stand_ins.shared.faults.set("tts", kind, 1)
    plugin = build(bench, name)
    with within(3 * ATTEMPT):
        assert await seconds_of(plugin, options=AGAIN) > 1.5
    await plugin.aclose()


@Each
@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.STALLED, Kind.CUT])
async def test_a_speech_that_fails_is_an_error_in_time(bench: Bench, name: str, kind: Kind) -> None:
    """Garbage, a cut, or no sound is an APIError within the time of an attempt; the next one speaks."""
    bench.stand_ins.shared.faults.set("tts", kind)
    plugin = build(bench, name)
    with within(3 * ATTEMPT), pytest.raises(APIError):
        await seconds_of(plugin)
    bench.stand_ins.shared.faults.clear()
    assert await seconds_of(plugin) > 1.5
    await plugin.aclose()


@Each
async def test_a_slow_first_sound_is_waited_for(bench: Bench, name: str) -> None:
    """A first sound that comes late, but in time, is spoken."""
    bench.stand_ins.shared.faults.set("tts", Kind.SLOW)
    plugin = build(bench, name)
    assert await seconds_of(plugin) > 1.5
    await plugin.aclose()


@Each
async def test_a_server_that_never_answers_is_given_up(bench: Bench, name: str) -> None:
    """A connection that is accepted and not answered fails within the time of one attempt."""
    async with mute_server() as url:
        plugin = build(Bench.of(bench.stand_ins, url), name)
        with within(2 * ATTEMPT), pytest.raises(APIError):
            await seconds_of(plugin)
        await plugin.aclose()


@Each
async def test_an_interrupted_speech_is_not_heard_in_the_next(bench: Bench, name: str) -> None:
    """A caller who talks over the agent ends the speech at once; the next one is whole and only its own."""
    plugin = build(bench, name)
    whole = await seconds_of(plugin, "Yes, of course.")
    stream = plugin.stream(conn_options=ONCE)
    stream.push_text(f"{TEXT} ")
    await anext(aiter(stream))
    with within(1.5):
        await stream.aclose()
    assert await seconds_of(plugin, "Yes, of course.") == pytest.approx(whole, abs=0.05)
    await plugin.aclose()


@Each
async def test_a_silent_minute_costs_no_answer(bench: Bench, name: str) -> None:
    """A connection that the provider closed while the caller thought is opened again."""
    plugin = build(bench, name)
    await seconds_of(plugin)
    for runner in [bench.stand_ins._runner]:
        assert runner.server is not None
        for connection in runner.server.connections:
            if connection.transport is not None:
                connection.transport.close()
    await asyncio.sleep(0.1)
    assert await seconds_of(plugin, options=AGAIN) > 1.5
    await plugin.aclose()
