"""Reports of one call: samples of its metrics, its turns, its end."""

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

Tell = Callable[[Message], None]

# What a step of a call may fail with; all else is a fault of ours and ends the caller host.
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
    """A call cannot go on; the metric has been reported as an error, the text says why."""


class CallReports:
    """Fills in what all reports of a call share."""

    def __init__(self, call: str, tell: Tell) -> None:
        self.call = call
        self._tell = tell

    def begun(self) -> None:
        """Somebody picks up the phone."""
        self._tell({"kind": messages.CALL_BEGUN, "call": self.call, "at": time.time()})

    def sample(self, metric: Metric, seconds: float, error: str | None = None) -> None:
        """One figure of a metric; with an error, how long it took to fail."""
        self._tell(
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
        """One question with its answer."""
        self._tell({"kind": messages.TURN, "call": self.call, **fields})

    def trouble(self, why: str) -> None:
        """Something of the results is missing."""
        self._tell({"kind": messages.TROUBLE, "call": self.call, "why": why})

    def over(self, *, session: str | None, began: float, cut: str | None) -> None:
        """The last report of a call; `cut` says why it ended early."""
        self._tell(
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
            why = words(error)
            self.sample(metric, time.monotonic() - began, why)
            raise CallFailed(f"{metric}: {why}") from error
        self.sample(metric, time.monotonic() - began)


def words(error: BaseException) -> str:
    """An error in a line."""
    if isinstance(error, TimeoutError):
        return "nothing came in time"
    text = str(error).splitlines()[0] if str(error) else ""
    return text if isinstance(error, ApiError) else f"{type(error).__name__}: {text}"
