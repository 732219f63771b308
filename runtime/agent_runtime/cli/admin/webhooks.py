"""The command `webhooks`: list deliveries, send them again, test the addresses of an agent."""

from __future__ import annotations

import argparse
import asyncio
import sys

from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.secrecy.shown import escaped
from agent_runtime.settings import Settings


def add_subcommands(parser: argparse.ArgumentParser) -> None:
    """Add list, redeliver and test."""
    steps = parser.add_subparsers(required=True, metavar="STEP", dest="step")
    listing = steps.add_parser("list", help="list the latest deliveries")
    listing.add_argument("--session", metavar="ID", help="those of this session")
    again = steps.add_parser("redeliver", help="send a delivery again, or all that were given up")
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("number", type=int, nargs="?", help="its number in the list")
    which.add_argument("--dead", action="store_true", help="all that were given up")
    test = steps.add_parser("test", help="send a test to each address of an agent")
    test.add_argument("agent", type=int, help="the agent's number")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print what was found or done; returns 1 when a test failed, or nothing was there."""
    steps = {"list": _list, "redeliver": _redeliver, "test": _test}
    return steps[arguments.step](settings, arguments)


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent_runtime.wiring.webhooks import listed

    found = asyncio.run(listed(settings, arguments.session))
    for one in found:
        line = (
            f"{one.number}  {one.state}  {one.event}  session {one.session_id}  {one.url}  "
            f"attempts {one.attempts}"
        )
        print(escaped(f"{line}  {one.detail}".rstrip()))
    if not found:
        print("no deliveries")
    return 0


def _redeliver(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent_runtime.wiring.webhooks import redeliver

    count = asyncio.run(redeliver(settings, arguments.number))
    if arguments.number is not None and not count:
        message = "is no delivery that is over; `agent-runtime webhooks list` shows them"
        print(f"agent-runtime: {arguments.number} {message}", file=sys.stderr)
        return 1
    print(f"{count} deliveries are due again")
    return 0


def _test(settings: Settings, arguments: argparse.Namespace) -> int:
    from agent_runtime.wiring.webhooks import send_tests

    try:
        outcomes = asyncio.run(send_tests(settings, arguments.agent))
    except InvalidAgentConfig as error:
        print(f"agent-runtime: agent {arguments.agent}: {escaped(str(error))}", file=sys.stderr)
        return 1
    if not outcomes:
        message = "has no webhooks: register it with `webhooks`, or set COMPLETION_WEBHOOK_URL"
        print(f"agent-runtime: agent {arguments.agent} {message}", file=sys.stderr)
        return 1
    for url, outcome in outcomes:
        print(escaped(f"{url}  {outcome}"))
    return 0 if all(outcome.startswith("HTTP 2") for _, outcome in outcomes) else 1
