"""The older packet of transcripts is sent to nobody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.agents.voice.room_io import _output

from agent_runtime.voice.livekit_tuning.transcripts import send_text_streams_only


def test_an_old_client_gets_no_packet_beside_the_text_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a client that knows packets only the framework sends both; afterwards text streams alone."""
    needed = _output._legacy_transcription_needed
    monkeypatch.setattr(_output, "_legacy_transcription_needed", needed)
    old = SimpleNamespace(
        kind=rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
        _info=SimpleNamespace(client_protocol=0),
        attributes={},
    )
    room = cast(
        "Any",
        SimpleNamespace(
            local_participant=SimpleNamespace(identity="agent"),
            remote_participants={"page": old},
            on=lambda *_: None,
        ),
    )
    output = _output._ParticipantLegacyTranscriptionOutput(room)
    assert output._should_publish()
    send_text_streams_only()
    assert not output._should_publish()
