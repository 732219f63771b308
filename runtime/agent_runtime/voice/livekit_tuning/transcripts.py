"""Transcripts are sent once: as text streams on `lk.transcription`, and not as the older packet as well.

The framework sends both while some client in the room may know the packet only; a page that reads text
streams then shows every text twice, since the two have different segment ids.
"""

from __future__ import annotations

from livekit.agents.voice.room_io import _output


def send_text_streams_only() -> None:
    """Send no packet from now on, in this process."""
    _output._legacy_transcription_needed = lambda room: False  # noqa: ARG005, SLF001 - its signature
