"""`python -m load.caller_host` reads its settings, then commands until the end of input, one a line (JSON).

Commands are {"do": "call", "call": NAME} and {"do": "wind-down"}. Output is the reports of
`load.messages`, and {"kind": "done", "call": NAME} after the last report of a call. At the end of input the
process cuts its calls and ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

import uvloop

from fixtures.runtime_client.api import Api
from load.caller_host.call import Call
from load.caller_host.judge import Judge
from load.caller_host.machine import watch
from load.caller_host.output import claim_stdout
from load.caller_host.reports import CallReports
from load.caller_host.settings import HostSettings
from load.messages import Message, encode

logger = logging.getLogger(__name__)


class Host:
    """Runs calls concurrently; starting one never waits for another."""

    def __init__(self, settings: HostSettings, api: Api, judge: Judge) -> None:
        self._settings = settings
        self._api = api
        self._judge = judge
        self._winding_down = asyncio.Event()
        self._calls: dict[str, asyncio.Task[None]] = {}

    @property
    def callers(self) -> int:
        """Number of calls under way."""
        return len(self._calls)

    def report(self, message: Message) -> None:
        """Write one report to standard output."""
        sys.stdout.write(encode(message))
        sys.stdout.flush()

    def execute(self, command: dict[str, Any]) -> None:
        """Execute one command. Raises ValueError for an unknown one."""
        if command.get("do") == "call":
            name = str(command["call"])
            self._calls[name] = asyncio.create_task(self._call(name))
        elif command.get("do") == "wind-down":
            self._winding_down.set()
        else:
            raise ValueError(f"unknown command: {command}")

    async def stop(self) -> None:
        """Cut the calls under way; each still reports what it has measured."""
        for task in self._calls.values():
            task.cancel()
        if self._calls:
            await asyncio.wait(list(self._calls.values()))

    async def _call(self, name: str) -> None:
        reports = CallReports(name, self.report)
        try:
            await Call(self._settings, self._api, self._judge, reports, self._winding_down).run()
        except Exception as error:
            # A fault of the harness: other calls of this host go on, and the results become partial.
            logger.exception("call %s", name)
            reports.trouble(f"the load harness failed in call {name}: {error!r}")
        finally:
            del self._calls[name]
            self.report({"kind": "done", "call": name})


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _run() -> None:
    lines = await _input()
    settings = HostSettings.model_validate_json(await lines.readline())
    async with (
        Api(settings.api_url, settings.api_key) as api,
        Judge(settings.scenario.expected(), stand_in_voice=settings.stand_in_voice) as judge,
    ):
        host = Host(settings, api, judge)
        watching = asyncio.create_task(watch(settings.name, host.report, lambda: host.callers))
        while line := await lines.readline():
            host.execute(json.loads(line))
        await host.stop()
        watching.cancel()
        await asyncio.wait([watching])


if __name__ == "__main__":
    claim_stdout()
    try:
        uvloop.run(_run())
    except BrokenPipeError:
        sys.exit(1)  # the driver that read the reports is gone
