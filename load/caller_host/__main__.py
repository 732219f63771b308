"""`python -m load.caller_host`: settings first, then orders; one JSON line each, until the end of input.

In: {"do": "call", "call": NAME}, {"do": "wind-down"}. Out: reports of `load.messages`, and {"kind": "done",
"call": NAME} when all about a call has been said. When the input ends, calls are cut and the process ends.
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
from load.caller_host.output import own_output
from load.caller_host.reports import CallReports
from load.caller_host.settings import HostSettings
from load.messages import Message, encode

logger = logging.getLogger(__name__)


class Host:
    """Runs calls; an order for one never waits for another."""

    def __init__(self, settings: HostSettings, api: Api, judge: Judge) -> None:
        self._settings = settings
        self._api = api
        self._judge = judge
        self._winding_down = asyncio.Event()
        self._calls: dict[str, asyncio.Task[None]] = {}

    @property
    def callers(self) -> int:
        """How many are in a call."""
        return len(self._calls)

    def tell(self, message: Message) -> None:
        """Report one line."""
        sys.stdout.write(encode(message))
        sys.stdout.flush()

    def obey(self, order: dict[str, Any]) -> None:
        """Do what a line says. Raises ValueError for another word."""
        if order.get("do") == "call":
            name = str(order["call"])
            self._calls[name] = asyncio.create_task(self._call(name))
        elif order.get("do") == "wind-down":
            self._winding_down.set()
        else:
            raise ValueError(f"what is {order}?")

    async def stop(self) -> None:
        """Cut what is under way; what was heard so far is told."""
        for task in self._calls.values():
            task.cancel()
        if self._calls:
            await asyncio.wait(list(self._calls.values()))

    async def _call(self, name: str) -> None:
        reports = CallReports(name, self.tell)
        try:
            await Call(self._settings, self._api, self._judge, reports, self._winding_down).run()
        except Exception as error:
            # A fault of the harness: the other calls of this host go on, and the run is marked.
            logger.exception("call %s", name)
            reports.trouble(f"a fault of the load harness in call {name}: {error!r}")
        finally:
            del self._calls[name]
            self.tell({"kind": "done", "call": name})


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _run() -> None:
    orders = await _input()
    settings = HostSettings.model_validate_json(await orders.readline())
    async with (
        Api(settings.api_url, settings.api_key) as api,
        Judge(settings.scenario.expected(), stand_in_voice=settings.stand_in_voice) as judge,
    ):
        host = Host(settings, api, judge)
        watching = asyncio.create_task(watch(settings.name, host.tell, lambda: host.callers))
        while line := await orders.readline():
            host.obey(json.loads(line))
        await host.stop()
        watching.cancel()
        await asyncio.wait([watching])


if __name__ == "__main__":
    own_output()
    try:
        uvloop.run(_run())
    except BrokenPipeError:
        sys.exit(1)  # whoever listened is gone
