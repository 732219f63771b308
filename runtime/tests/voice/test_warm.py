"""What job processes inherit."""

from __future__ import annotations

import subprocess
import sys

from agent_runtime.voice.settings import VoiceSettings
from agent_runtime.voice.worker import build_server
from agent_runtime.wiring import open_stores

LOADED = """
import sys
import agent_runtime.voice.warm
from livekit.agents.tokenize import _basic_hyphenator
from livekit.agents.utils import http_context
print("anyio._backends._asyncio" in sys.modules)
from agent_runtime.voice.providers.openai import authorities
print(authorities.cache_info().currsize)
print(http_context._ssl_context_for.cache_info().currsize)
print(_basic_hyphenator._get_hyphenator.cache_info().currsize)
"""


def test_a_call_s_start_need_not_load_these() -> None:
    """The event loop's part of the HTTP client, the certificate authorities, the hyphenation."""
    told = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["True", "1", "1", "1"]


def test_job_processes_are_forked_from_one_that_has_them(voice_settings: VoiceSettings) -> None:
    """With the call's own code."""
    server, _ = build_server(voice_settings, open_stores)
    assert {"agent_runtime.voice.call", "agent_runtime.voice.warm"} <= set(server._preload_modules)
