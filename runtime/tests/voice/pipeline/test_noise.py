"""Noise suppression: WebRTC's own takes noise out of frames; the cloud's is named where it cannot work."""

from __future__ import annotations

import random
from array import array

import pytest
from livekit import rtc

from agent_runtime.agents.calls.limits import NoiseCancellation
from agent_runtime.voice.pipeline import noise
from agent_runtime.voice.pipeline.noise import WebRtcNoiseSuppression, noise_cancellation
from runtime.tests.voice.pipeline import noisy_speech

RATE = 16_000
LOCAL = "ws://127.0.0.1:7880"


def level(samples: array[int]) -> float:
    """The mean square."""
    return sum(one * one for one in samples) / len(samples)


def test_noise_is_suppressed() -> None:
    """Steady noise is at least 10 dB quieter after two seconds, and a frame stays as long as it was."""
    made = random.Random(1)  # noqa: S311 - noise
    suppression = WebRtcNoiseSuppression()
    before, after = array("h"), array("h")
    for number in range(60):
        samples = array("h", (int(made.gauss(0, 1000)) for _ in range(RATE // 20)))
        frame = rtc.AudioFrame(samples.tobytes(), RATE, 1, RATE // 20, userdata={"n": number})
        result = suppression._process(frame)
        assert (result.samples_per_channel, result.userdata) == (RATE // 20, {"n": number})
        if number >= 40:
            before += samples
            after.frombytes(result.data.tobytes())
    assert level(after) < level(before) / 10


def test_more_is_recognised_in_noise() -> None:
    """In white noise 10 dB below the speech, twice as many clips are recognised with the suppression."""
    without, with_it = noisy_speech.recognised(noisy_speech.white, 10, noisy_speech.clips()[::2])
    assert with_it >= max(2 * without, 6)


def test_a_frame_of_another_length_passes() -> None:
    """What is left of a frame after whole tens of milliseconds is passed on as it is."""
    data = b"\x01\x00" * 200
    result = WebRtcNoiseSuppression()._process(rtc.AudioFrame(data, RATE, 1, 200))
    assert result.samples_per_channel == 200
    assert result.data.tobytes()[320:] == data[320:]


@pytest.mark.parametrize("wanted", [None, NoiseCancellation.NONE])
def test_nothing_is_done_unless_wanted(wanted: NoiseCancellation | None) -> None:
    """Without the key, or with none, no frame is touched."""
    assert noise_cancellation(wanted, LOCAL) is None


@pytest.mark.parametrize("wanted", [NoiseCancellation.BVC, NoiseCancellation.BVC_TELEPHONY])
def test_the_clouds_is_named_once_where_it_cannot_work(
    wanted: NoiseCancellation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another server than LiveKit Cloud the call goes on without, and one warning says so."""
    monkeypatch.setattr(noise, "_warned", set())
    for _ in range(3):
        assert noise_cancellation(wanted, LOCAL) is None
    assert caplog.text.count("needs LiveKit Cloud") == 1


def test_the_suppression_of_ours_is_taken_where_wanted() -> None:
    """With webrtc the suppression needs no cloud."""
    assert isinstance(noise_cancellation(NoiseCancellation.WEBRTC, LOCAL), WebRtcNoiseSuppression)
