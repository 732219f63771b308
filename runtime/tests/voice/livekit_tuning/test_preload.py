"""What job processes inherit from the fork server."""

from __future__ import annotations

import subprocess
import sys

from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.worker.server import PRELOADED, build_server
from agent_runtime.wiring.worker import open_stores

LOADED = """
import sys
import agent_runtime.voice.livekit_tuning.preload
from livekit.agents.tokenize import _basic_hyphenator
from livekit.agents.utils import http_context
print(
    {
        "anyio._backends._asyncio",
        "livekit.agents.llm.async_toolset",
        "livekit.agents.voice.report",
        "numpy.fft",
        "openai.resources.models",
    }
    <= sys.modules.keys()
)
from openai.types.chat import chat_completion_chunk
print(chat_completion_chunk.ChoiceDelta.__pydantic_complete__)
from agent_runtime.egress.tls import authorities
print(authorities.cache_info().currsize)
print(http_context._ssl_context_for.cache_info().currsize)
print(_basic_hyphenator._get_hyphenator.cache_info().currsize)
"""

FORKED = """
import multiprocessing
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["agent_runtime.voice.livekit_tuning.event_loop"])
program = "import asyncio; print(type(asyncio.new_event_loop()).__module__)"
job = context.Process(target=exec, args=(program,))
job.start()
job.join()
"""


def test_preload_leaves_nothing_to_load_at_a_call_s_start() -> None:
    """It loads modules, types of an answer's chunks, certificate authorities and hyphenation."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True", "1", "1", "1"]


def test_the_fork_server_imports_the_preloaded_modules(voice_settings: VoiceSettings) -> None:
    """LiveKit's server is built with every module of PRELOADED, including the call's own code."""
    server, _ = build_server(voice_settings, open_stores)
    assert set(PRELOADED) <= set(server._preload_modules)


def test_the_loop_of_a_job_is_uvloop() -> None:
    """A process forked from a fork server that imported `event_loop` gets uvloop loops."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["uvloop"]
