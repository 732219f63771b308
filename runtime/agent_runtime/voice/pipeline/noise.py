"""Noise suppression on the caller's sound: WebRTC's own, or the one of LiveKit Cloud."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from livekit import rtc

from agent_runtime.agents.calls.limits import NoiseCancellation

logger = logging.getLogger(__name__)

CLOUD: Final = (".livekit.cloud", ".livekit.run")
_warned: set[str] = set()


def noise_cancellation(
    wanted: NoiseCancellation | None, livekit_url: str
) -> rtc.NoiseCancellationOptions | rtc.FrameProcessor[rtc.AudioFrame] | None:
    """What takes the noise out of the caller's sound; None when nothing does.

    BVC works with LiveKit Cloud and its package only: elsewhere the call goes on without, and the log says
    so once for the process.
    """
    if wanted is NoiseCancellation.WEBRTC:
        return WebRtcNoiseSuppression()
    if wanted is None or wanted is NoiseCancellation.NONE:
        return None
    host = urlsplit(livekit_url).hostname or ""
    if not host.endswith(CLOUD):
        _warn_once(
            f"noiseCancellation {wanted} needs LiveKit Cloud, and {host} is another server; use webrtc"
        )
        return None
    try:
        plugin: Any = import_module("livekit.plugins.noise_cancellation")
    except ImportError:
        _warn_once(
            f"noiseCancellation {wanted} needs the package livekit-plugins-noise-cancellation"
        )
        return None
    bvc: rtc.NoiseCancellationOptions = (
        plugin.BVC() if wanted is NoiseCancellation.BVC else plugin.BVCTelephony()
    )
    return bvc


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.add(text)
        logger.warning("%s; the call goes on without", text)


class WebRtcNoiseSuppression(rtc.FrameProcessor[rtc.AudioFrame]):
    """WebRTC's noise suppression and high-pass filter: 0.8 % of a core a call.

    It takes 10 ms at a time; the worker's frames have whole multiples of that.
    """

    def __init__(self) -> None:
        self._module = rtc.AudioProcessingModule(noise_suppression=True, high_pass_filter=True)
        self._is_enabled = True

    @property
    def enabled(self) -> bool:
        """Whether it works on the frames."""
        return self._is_enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._is_enabled = value

    def _process(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        """The frame without its noise. A rest of less than 10 ms stays as it is."""
        samples = frame.sample_rate // 100
        size = samples * frame.num_channels * 2
        data = bytearray(frame.data.cast("B"))
        for start in range(0, len(data) - size + 1, size):
            part = rtc.AudioFrame(
                data[start : start + size], frame.sample_rate, frame.num_channels, samples
            )
            self._module.process_stream(part)
            data[start : start + size] = part.data.cast("B")
        return rtc.AudioFrame(
            data,
            frame.sample_rate,
            frame.num_channels,
            frame.samples_per_channel,
            userdata=frame.userdata,
        )

    def _close(self) -> None:
        """Nothing is held but memory."""
        self._is_enabled = False
