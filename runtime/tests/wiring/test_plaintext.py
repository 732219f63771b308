"""Warnings of connections to other machines that are not encrypted."""

from __future__ import annotations

import pytest

from agent_runtime.settings import Settings
from agent_runtime.wiring.plaintext import plaintext


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LIVEKIT_URL", "ws://livekit.example:7880"),
        ("LIVEKIT_URL", "http://10.0.0.1:7880"),
        ("OPENAI_BASE_URL", "http://vllm:8000/v1?api_key=s3cret"),
        ("DEEPGRAM_BASE_URL", "http://10.1.1.1/v1/listen"),
        ("DATABASE_URL", "postgresql://u:s3cret@db.example/x"),
        ("DATABASE_URL", "postgresql://u:s3cret@db.example/x?sslmode=prefer"),
        ("DATABASE_URL", "postgresql://u:s3cret@localhost,10.0.0.2/x"),
        ("DATABASE_URL", "postgresql://u:s3cret@db/x?ssl=false"),
    ],
)
def test_plaintext_to_another_machine_is_a_warning(variable: str, value: str) -> None:
    """A connection to another machine without TLS is one warning with its variable, and no secret."""
    (warning,) = plaintext(Settings.load({variable: value}))
    assert warning.startswith(f"{variable}: ")
    assert "s3cret" not in warning


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LIVEKIT_URL", "ws://localhost:7880"),
        ("LIVEKIT_URL", "ws://[::1]:7880"),
        ("LIVEKIT_URL", "wss://livekit.example"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"),
        ("OPENAI_BASE_URL", "https://api.example/v1"),
        ("DATABASE_URL", "postgresql://u:p@db/x?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql://u:p@db/x?sslmode=no-verify"),
        ("DATABASE_URL", "postgresql://u:p@127.0.0.1/x"),
        ("DATABASE_URL", "postgresql:///x?host=/var/run/postgresql"),
        ("LOG_LEVEL", "debug"),
    ],
)
def test_this_machine_and_tls_are_none(variable: str, value: str) -> None:
    """Neither a connection within this machine nor an encrypted one is a warning."""
    assert list(plaintext(Settings.load({variable: value}))) == []
