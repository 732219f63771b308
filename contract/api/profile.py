"""The profile of an API: all that the gate must know of it beyond its openapi.yaml.

A module with a value `PROFILE` points the gate at another API: `python -m contract --api MODULE`.
`contract/agent_api/profile.py` is the profile of this repository's API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from contract.api.world import World
from contract.targets.http_target import HttpTarget
from contract.targets.testbed import Testbed


@dataclass(frozen=True, slots=True)
class Files:
    """The files of an API. `corpus` is the folder of the frozen requests.

    `scenarios` are recorded before, `scenarios_with_faults` after everything else: faults and restarts
    would disturb the other requests. `found` are scenarios that exploration found. None: there are none.
    """

    contract: Path
    ledger: Path
    mutants: Path
    corpus: Path
    scenarios: Path | None = None
    scenarios_with_faults: Path | None = None
    found: Path | None = None


@dataclass(frozen=True, slots=True)
class GeneratedIds:
    """The ids that a service generates.

    `schema` names the component of openapi.yaml for an id in the answer that hands it out. Reports and
    ledger show an id as a symbol, `<session-12>`: the word `symbol` and the step of that answer.
    `pattern` is a regular expression for such an id within a request's target.
    """

    schema: str
    pattern: str
    symbol: str = "id"

    def symbol_of(self, step: int) -> str:
        """The symbol of the id that the answer of a step handed out."""
        return f"{self.symbol}-{step}"


@dataclass(frozen=True, slots=True)
class Liveness:
    """A request that shows that a service is up: 200, and a JSON object with `value` at `key`."""

    path: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An answer that only the old service gives: to GET of `path`, its status (None: any) and body."""

    path: str
    status: int | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Example:
    """A valid request. `{0}`, `{1}` in `target` are the ids that the set-up requests were given.

    `reads` are targets that show what an accepted variant of it did: `{id}` is the id that its answer
    hands out, other names are keys of its body or parameters of its path. `renew` names a set-up request
    that is sent again before the next variant, because this one uses up what that one made. `shown` are
    the parts of a body that the reads show: `maxConcurrentSessions`.
    """

    name: str
    method: str
    target: str
    body: Mapping[str, Any] | None = None
    reads: tuple[str, ...] = ()
    renew: str | None = None
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examples:
    """One valid request of each operation, in the order in which they can follow `setup`.

    The recorder sends `setup` first and then each of `valid` with all its variants. Those in `probed` get
    all forms of the key and all headers that must change nothing; the other variants are for everyone.
    `many` is a request that is sent `times` times, each with its reads, so that generated ids of every form
    are seen; `numbered` is sent for hundreds of numbers, which stand in its `fields`. With `beside` the
    paths beside the documented ones are tried, with every method.
    """

    setup: tuple[Example, ...] = ()
    valid: tuple[Example, ...] = ()
    probed: frozenset[str] = frozenset()
    many: Example | None = None
    times: int = 0
    numbered: Example | None = None
    fields: tuple[str, ...] = ()
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Relations:
    """The fields that tie requests together, so that a shortest replay is found soon.

    `fields` are path parameters and keys of bodies that name the same thing. Those in `loose` name
    something so large that requests are related by it only to the finding itself.
    """

    fields: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()


class ManagedServices(Protocol):
    """Starts the services of an API, for runs without addresses."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of all variants of the new service."""

    def testbed(
        self, profile: ApiProfile, variants: tuple[str, ...]
    ) -> AbstractAsyncContextManager[Testbed]:
        """Two old services, and a new one for each variant (a database, for instance)."""

    def old(self, profile: ApiProfile) -> AbstractAsyncContextManager[HttpTarget]:
        """One fresh old service, to record."""


@dataclass(frozen=True, slots=True)
class ApiProfile:
    """An API.

    `name` is the noun for the service in messages, `old_name` the old service's. Paths that match
    `guarded` need the key, a bearer token; a GET of `keyed_path` with the right key is not refused.
    `marks` tell the old service from the new one. `peer` is the server that the services call, whose
    received calls are compared. `faults` maps the faults of openapi.yaml's `x-reached-by` to their
    repairs. `nested` names a key of bodies whose inside counts for the variety of generated requests,
    `large_body` a number of bytes that the services refuse. `fresh` is an answer that only a service
    without any state gives: what a reset must bring about. `changes` are other changes than
    faults that steps may ask of the services, such as rows in their database.
    """

    name: str
    old_name: str
    files: Files
    ids: GeneratedIds
    liveness: Liveness
    keyed_path: str
    guarded: str = r"(?!)"
    marks: tuple[Mark, ...] = ()
    peer: str = "peer"
    faults: Mapping[str, str] = field(default_factory=dict)
    world: Callable[[], World] = World
    examples: Examples = field(default_factory=Examples)
    relations: Relations = field(default_factory=Relations)
    nested: str | None = None
    large_body: int = 100 * 1024 + 1
    services: ManagedServices | None = None
    fresh: Mark | None = None
    changes: tuple[str, ...] = ()

    def is_guarded(self, path: str) -> bool:
        """Whether a path needs the key."""
        return re.match(self.guarded, path) is not None

    @property
    def watching(self) -> str:
        """The condition, in `demanded` of ledger entries, that the calls to the peer are recorded."""
        return f"watch-{self.peer.lower()}"
