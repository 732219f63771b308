"""Builds the reports of one call: samples of its metrics, its turns, its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import aiohttp
from livekit import rtc

from fixtures.runtime_client.api import ApiError
from load import messages
from load.messages import Message
from load.metrics import Metric

Report = Callable[[Message], None]

# Errors that fail a step of a call; any other error is a fault of the harness.
FAILURES = (
    ApiError,
    aiohttp.ClientError,
    rtc.ConnectError,
    OSError,
    TimeoutError,
    ValueError,
    KeyError,
)


class CallFailed(Exception):
    """A call cannot go on; its metric has been reported as an error. The message gives the reason."""


class CallReports:
    """Sends the reports of one call, with the fields that all of them share."""

    def __init__(self, call: str, report: Report) -> None:
        self.call = call
        self._report = report

    def begun(self) -> None:
        """Report the start of the call."""
        self._report({"kind": messages.CALL_BEGUN, "call": self.call, "at": time.time()})

    def sample(self, metric: Metric, seconds: float, error: str | None = None) -> None:
        """Report one value of a metric; with an error, `seconds` is the time until it failed."""
        self._report(
            {
                "kind": messages.SAMPLE,
                "call": self.call,
                "stage": metric,
                "at": time.time(),
                "ms": round(seconds * 1000, 2),
                "error": error,
            }
        )

    def turn(self, **fields: object) -> None:
        """Report one question with its answer."""
        self._report({"kind": messages.TURN, "call": self.call, **fields})

    def trouble(self, why: str) -> None:
        """Report why results are missing."""
        self._report({"kind": messages.TROUBLE, "call": self.call, "why": why})

    def over(self, *, session: str | None, began: float, cut: str | None) -> None:
        """Report the end of the call; `cut` is the reason why it ended early, or None."""
        self._report(
            {
                "kind": messages.CALL_OVER,
                "call": self.call,
                "session": session,
                "began": began,
                "ended": time.time(),
                "cut": cut,
            }
        )

    @contextmanager
    def step(self, metric: Metric, since: float | None = None) -> Iterator[None]:
        """Time a step, from `since` (monotonic) or from now. Raises CallFailed when it fails."""
        began = time.monotonic() if since is None else since
        try:
            yield
        except FAILURES as error:
            why = error_line(error)
            self.sample(metric, time.monotonic() - began, why)
            raise CallFailed(f"{metric}: {why}") from error
        self.sample(metric, time.monotonic() - began)


def error_line(error: BaseException) -> str:
    """An error as one line of text."""
    if isinstance(error, TimeoutError):
        return "timed out"
    text = str(error).splitlines()[0] if str(error) else ""
    return text if isinstance(error, ApiError) else f"{type(error).__name__}: {text}"
