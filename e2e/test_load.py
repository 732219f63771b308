"""A short load run against running services: two callers for half a minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from fixtures.servers import LiveKitServer
from fixtures.stack import Stack

ROOT = Path(__file__).parents[1]
# Stages by their names in results.json, which other programs read, too.
MEASURED = (
    "create", "join", "agent in the room", "first audio", "greeting", "voice to voice",
    "voice to voice, first turn", "barge-in", "answer", "runtime: stt", "runtime: response",
    "wire: speech to transcript", "wire: transcript to LLM", "wire: llm first token",
    "wire: first token to TTS", "wire: tts first byte", "wire: transport to the ear",
)  # fmt: skip
AGENT_ID = 9_000  # used by no story


def test_two_callers_hear_right_answers_and_every_stage_is_measured(
    stack: Stack, livekit: LiveKitServer, providers: str, tmp_path: Path
) -> None:
    """The run writes results, page and Locust's report; every caller heard only right answers."""
    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text("stages:\n  answer: {errors: 0, at_least: 4}\n  create: {errors: 0}\n")
    command = [
        sys.executable, "-m", "load", "--api", stack.api_url, "--livekit", livekit.url,
        "--database", stack.settings.database_url, "--stand-ins", providers,
        "--agent-id", str(AGENT_ID), "--register", "--callers", "2", "--minutes", "0.45",
        "--scenario", "short", "--thresholds", str(thresholds), "--reports", str(tmp_path),
    ]  # fmt: skip
    environ = {
        **os.environ,
        "LOAD_API_KEY": stack.settings.api_key,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
    }
    run = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=110, check=False
    )
    assert run.returncode == 0, run.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert not results["partial"], results["partial_because"]
    assert results["calls"]["begun"] == results["calls"]["whole"] >= 2
    counts = {stage: found["count"] for stage, found in results["stages"].items()}
    assert all(counts.get(stage) for stage in MEASURED), counts
    assert results["load_machine"]["cpu_per_caller"]
    assert "voice to voice" in (tmp_path / "index.html").read_text()
    assert "Locust" in (tmp_path / "locust.html").read_text()
