"""Logs are one JSON object a line with the context of the call, or text at a terminal."""

import asyncio
import io
import json
import logging

import pytest

from agent_runtime.telemetry.logs import NOISY_LOGGERS, add_log_context, configure_logging


@pytest.fixture(autouse=True)
def _restore_logging() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_lines_of_a_call_carry_its_context() -> None:
    """Tasks that a call starts inherit its room, session and agent; other tasks do not have them."""
    stream = io.StringIO()
    configure_logging("INFO", "json", stream)
    logger = logging.getLogger("test")

    async def call(room: str) -> None:
        add_log_context(room=room, session="s", agent=7)
        await asyncio.create_task(asyncio.to_thread(logger.info, "inside %s", room))

    await asyncio.gather(asyncio.create_task(call("a")), asyncio.create_task(call("b")))
    logger.info("outside", extra={"port": 1})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    inside = {line["message"]: line for line in lines}
    assert (inside["inside a"]["room"], inside["inside a"]["agent"]) == ("a", 7)
    assert inside["inside b"]["room"] == "b"
    assert "room" not in inside["outside"]
    assert inside["outside"]["port"] == 1
    assert set(inside["outside"]) >= {"timestamp", "level", "logger", "message"}


def test_an_exception_stays_on_one_line() -> None:
    """A traceback is a field of the JSON object and does not break its line."""
    stream = io.StringIO()
    configure_logging("INFO", "json", stream)
    try:
        raise ValueError("line one\nline two")
    except ValueError:
        logging.getLogger("test").exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: line one\nline two" in json.loads(line)["exception"]


def test_level_and_noise() -> None:
    """LOG_LEVEL applies to our loggers and LiveKit's; noisy libraries start at WARNING."""
    stream = io.StringIO()
    configure_logging("DEBUG", "text", stream)
    logging.getLogger("agent_runtime.x").debug("ours")
    logging.getLogger("livekit.agents").debug("livekit's")
    for name in NOISY_LOGGERS:
        logging.getLogger(name).info("noise")
    assert "| DEBUG | agent_runtime.x | ours" in stream.getvalue()
    assert "livekit's" in stream.getvalue()
    assert "noise" not in stream.getvalue()
