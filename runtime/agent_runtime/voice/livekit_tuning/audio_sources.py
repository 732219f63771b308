"""Which tracks of the caller the framework's audio input takes; it has no option for that."""

from __future__ import annotations

from typing import Any

from livekit import rtc
from livekit.agents.voice import io


def accept_sources(
    audio_input: io.AudioInput | None, sources: set[rtc.TrackSource.ValueType]
) -> None:
    """Take the tracks of these sources from now on; a track that it hears already stays."""
    room_input: Any = audio_input
    if room_input is not None:
        room_input._accepted_sources = sources  # noqa: SLF001
