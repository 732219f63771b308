"""The worker's commands: `start`, `dev`, `console`, `connect`, `download-files`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent_runtime.domain.job import JobTarget, NotOurJob, target_named
from agent_runtime.providers.registry import import_default_plugins
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.jobs.stores import OpenStores

logger = logging.getLogger(__name__)

# The folder of agent_runtime, whose changes restart a worker under `dev`.
PACKAGE: Final = Path(__file__).parents[2]
# Seconds that a worker under `dev` may take to end when its code has changed.
RELOAD_TIMEOUT: Final = 15


def run_worker(
    settings: VoiceSettings, open_stores: OpenStores, command: str, arguments: Sequence[str]
) -> int:
    """Run one of the commands; returns the exit code.

    `console` and `connect` are LiveKit's own command line and take its options; `console` also requires
    `--agent ID`.
    """
    if command == "dev":
        return _restart_on_changes()
    from agent_runtime.voice.worker.server import serve

    if command == "start":
        return asyncio.run(serve(settings, open_stores))
    if command == "download-files":
        return _download_files(settings)
    target = None
    if command == "console":
        parser = argparse.ArgumentParser(prog="agent-runtime worker console")
        parser.add_argument("--agent", required=True, help="id of the agent to talk to")
        given, arguments = parser.parse_known_args(arguments)
        try:
            target = target_named(given.agent)
        except NotOurJob as error:
            parser.error(str(error))
    return _livekit_command_line(settings, open_stores, command, arguments, target)


def _restart_on_changes() -> int:
    """Run `worker start` as a child, and restart it when Python code here or in the package changes."""
    import watchfiles

    os.environ["WORKER_DRAIN_TIMEOUT"] = "1"  # for the child: a reload waits for no call
    command = [sys.executable, "-m", "agent_runtime", "worker", "start"]
    watchfiles.run_process(
        PACKAGE,
        Path.cwd(),
        target=shlex.join(command),
        target_type="command",
        callback=lambda changes: logger.info("%d files changed: restarting", len(changes)),
        watch_filter=watchfiles.PythonFilter(),
        sigint_timeout=RELOAD_TIMEOUT,
    )
    return 0


def _download_files(settings: VoiceSettings) -> int:
    from livekit.agents import Plugin

    import_default_plugins()
    if settings.worker.turn_detector_plugin:
        from livekit.plugins import turn_detector  # noqa: F401 - registers itself
    for plugin in Plugin.registered_plugins:
        logger.info("downloading the files of %s", plugin.package)
        plugin.download_files()
    return 0


def _livekit_command_line(
    settings: VoiceSettings,
    open_stores: OpenStores,
    command: str,
    arguments: Sequence[str],
    target: JobTarget | None,
) -> int:
    from livekit.agents import cli

    from agent_runtime.voice.worker.server import build_server

    logging.getLogger().handlers.clear()  # LiveKit's command line prints the log itself
    sys.argv = ["agent-runtime worker", command, *arguments]
    try:
        server, _ = build_server(settings, open_stores, target)
        cli.run_app(server)
    except OSError as error:
        if "PortAudio" not in str(error):
            raise
        print("console needs the library PortAudio: apt-get install libportaudio2", file=sys.stderr)
        return 1
    return 0
