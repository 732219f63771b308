"""Sequences of up to 24 operations and the reads after them, each held against the reference.

A sequence that parts is shrunk by Hypothesis and raised as Parted, with its operations and the service.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from contract.agent_api.explore.operations import (
    AgentFigures,
    Create,
    Delete,
    End,
    Listing,
    Operation,
    Read,
    Register,
    Restart,
    SessionFigures,
    Status,
    TenantFigures,
)
from contract.agent_api.explore.reference import Reply
from contract.agent_api.explore.services import Service

LONGEST: Final = 24
# Few of each, so that sequences meet: two tenants of two digits, one of them another agent's number.
_AGENTS: Final = st.sampled_from((7, 7, 77, 8))
_TENANTS: Final = st.sampled_from((3, 7))
_ROOMS: Final = st.sampled_from(("hall", "hall", "Hall", ""))
_LIMITS: Final = st.sampled_from((None, 1, 2, 3, 3))
_SESSIONS: Final = st.integers(0, 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """A service that replied otherwise than the reference, to the last of these operations."""

    service: str
    operations: tuple[Operation, ...]
    expected: Reply
    actual: Reply

    def __str__(self) -> str:
        steps = "\n".join(f"  {operation}" for operation in self.operations)
        return (
            f"{self.service} after\n{steps}\n  expected {self.expected}\n  actual   {self.actual}"
        )


class Parted(AssertionError):
    """A sequence after which a service and its reference differ."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def operations(*, restarts: bool) -> st.SearchStrategy[list[Operation]]:
    """Sequences of at most 24 operations; the first register agents, the rest are mostly writes."""
    one: st.SearchStrategy[Any] = st.one_of(
        *[st.builds(Register, _AGENTS, _TENANTS, _LIMITS)] * 3,
        *[st.builds(Create, _AGENTS, _TENANTS, _ROOMS)] * 6,
        *[st.builds(End, _SESSIONS)] * 4,
        *[st.builds(Delete, _AGENTS)] * 2,
        st.builds(Status, _AGENTS),
        st.builds(Read, _SESSIONS),
        st.one_of(
            st.builds(Listing),
            st.builds(SessionFigures, _SESSIONS),
            st.builds(AgentFigures, _AGENTS),
            st.builds(TenantFigures, _TENANTS),
        ),
        *([st.builds(Restart)] * restarts),
    )
    # Four lists, since one would be short on the average; each shrinks to nothing.
    part = st.lists(one, max_size=7)
    begin = st.lists(st.builds(Register, _AGENTS, _TENANTS, _LIMITS), max_size=3)
    whole = st.tuples(begin, part, part, part)
    return whole.map(lambda parts: [operation for part in parts for operation in part])


# Read at the end of each sequence, so that no write stays unseen.
_CLOSING: Final[tuple[Operation, ...]] = (
    *(Status(agent) for agent in (7, 8, 77)),
    Listing(),
    *(AgentFigures(agent) for agent in (7, 8, 77)),
    *(TenantFigures(tenant) for tenant in (3, 7)),
)


def check(service: Service, sequence: Sequence[Operation]) -> None:
    """Send a sequence to a fresh service. Raises Parted at the first reply that is not the reference's."""
    reference = service.fresh()
    done: list[Operation] = []
    creates = 0
    for operation in (*sequence, *_CLOSING, *(Read(n) for n in range(LONGEST))):
        number = getattr(operation, "session", None)
        if number is not None and number >= creates:
            continue  # no create has made that session
        creates += isinstance(operation, Create)
        done.append(operation)
        actual, expected = service.reply(operation), reference.reply(operation)
        if actual != expected or _order(actual.body) != _order(expected.body):
            raise Parted(Finding(service.name, tuple(done), expected, actual))


def explore(
    services: Sequence[Service],
    *,
    seconds: float,
    seed: int,
    restarts: bool = False,
    most: int = 10**9,
) -> list[Finding]:
    """Sequences until the time is over or `most` were tried; the shrunk finding of each service."""
    found: list[Finding] = []
    end = time.monotonic() + seconds
    for number, service in enumerate(services):
        share = (end - time.monotonic()) / (len(services) - number)
        finding = _search(service, time.monotonic() + share, seed, most, restarts=restarts)
        if finding is not None:
            found.append(finding)
    return found


def _search(
    service: Service, end: float, seed: int, most: int, *, restarts: bool
) -> Finding | None:
    tried = 0

    @seeded(seed)
    @settings(
        max_examples=most,
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(operations(restarts=restarts))
    def sequences(sequence: list[Operation]) -> None:
        nonlocal tried
        tried += 1
        if time.monotonic() < end:
            check(service, sequence)
        else:
            raise _TimeOver

    try:
        sequences()
    except Parted as parted:
        return parted.finding
    except _TimeOver:
        return None
    return None


class _TimeOver(Exception):
    """The time is over before anything was found."""


def _order(value: Any) -> Any:
    """The keys of all objects in order, which equality does not compare."""
    if isinstance(value, dict):
        return [(key, _order(item)) for key, item in value.items()]
    return [_order(item) for item in value] if isinstance(value, list) else type(value).__name__
