"""Parcel lockers: an API of another domain, its profile, and services in this process.

Only this module and its YAML files know the lockers; the gate that compares them is the same.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from contract.api.facts import RequestFacts
from contract.api.profile import (
    ApiProfile,
    Example,
    Examples,
    Files,
    GeneratedIds,
    Liveness,
    Mark,
    Relations,
)
from contract.api.specification import Specification
from contract.api.world import World
from contract.http.address import Address
from contract.http.messages import Answer
from contract.targets.http_target import HttpTarget
from contract.targets.testbed import Testbed
from contract.values.documents import parse, plain
from contract.values.pointers import pointed

HERE = Path(__file__).parent
KEY = "key-of-the-lockers"


@dataclass
class Parcel:
    """A parcel in a locker, or collected."""

    locker: str
    grams: int
    stored: str
    collected: bool = False


@dataclass(frozen=True)
class Behaviour:
    """What differs between the services: the old one has the defaults."""

    status_of_collected: int = 404
    collects_twice: bool = False


Reply = tuple[int, Any]


@dataclass
class Lockers:
    """The service's logic: a method, a path, a key and a body to a status and a document."""

    behaviour: Behaviour
    parcels: dict[str, Parcel] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def reply(self, method: str, path: str, key: str | None, body: bytes) -> Reply:
        """Handle one request."""
        if (method, path) == ("GET", "/up"):
            return 200, {"state": "up"}
        head, _, code = path.removeprefix("/").partition("/")
        if head != "parcels":
            return 404, {"error": f"no {path}"}
        if key != f"Bearer {KEY}":
            return 401, {"error": "no key"}
        with self.lock:
            if method == "POST" and not code:
                return self._store(body)
            if method == "GET" and code:
                return self._read(code)
            if method == "DELETE" and code:
                return self._collect(code)
        return 405, {"error": f"no {method}"}

    def _store(self, body: bytes) -> Reply:
        try:
            document = json.loads(body)
            locker, grams = document["locker"], document["grams"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return 400, {"error": "a parcel has a locker and grams"}
        if not isinstance(locker, str) or not isinstance(grams, int) or not 0 < grams <= 30_000:
            return 400, {"error": "a locker is a text, grams are from 1 to 30000"}
        code = secrets.token_urlsafe(9)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.parcels[code] = Parcel(locker, grams, now)
        return 200, {"receipt": {"code": code, "storedAt": now}}

    def _read(self, code: str) -> Reply:
        parcel = self.parcels.get(code)
        if parcel is not None and parcel.collected and self.behaviour.status_of_collected == 410:
            return 410, {"error": f"parcel {code} was collected"}
        if parcel is None or parcel.collected:
            return 404, {"error": f"no parcel {code}"}
        return 200, {
            "code": code,
            "locker": parcel.locker,
            "grams": parcel.grams,
            "storedAt": parcel.stored,
        }

    def _collect(self, code: str) -> Reply:
        parcel = self.parcels.get(code)
        if parcel is None or (parcel.collected and not self.behaviour.collects_twice):
            return 404, {"error": f"no parcel {code}"}
        parcel.collected = True
        return 204, None


class Server:
    """The lockers on a free port of 127.0.0.1, in a thread."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.lockers = Lockers(behaviour)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.lockers))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def target(self, name: str) -> HttpTarget:
        """The service as a target of the gate; a reset empties the lockers."""

        async def reset() -> None:
            self.lockers.parcels.clear()

        return HttpTarget(name, Address.of(self.url), KEY, {"reset": reset})

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(lockers: Lockers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def handle_any(self) -> None:
            length = self.headers.get("Content-Length") or "0"
            body = self.rfile.read(int(length)) if length.isdigit() else b""
            # `self.path` has lost a double slash at its start.
            path = self.requestline.split(" ")[1].partition("?")[0]
            key = self.headers.get("Authorization")
            status, document = lockers.reply(self.command, path, key, body)
            self.send_response(status)
            if document is None:
                self.end_headers()
                return
            text = json.dumps(document, separators=(",", ":")).encode()
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    for method in ("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE"):
        setattr(Handler, f"do_{method}", Handler.handle_any)
    return Handler


@dataclass(slots=True)
class LockerWorld(World):
    """The parcels that the new service stored; the ledger's word is `parcel`."""

    parcels: dict[str, dict[str, Any]] = field(default_factory=dict)

    def learn(self, request: RequestFacts, answer: Answer) -> None:
        """Take in one answer of the new service."""
        if request.operation == "POST /parcels" and answer.status == 200:
            code = pointed(plain(parse(answer).value), "/receipt/code")
            self.parcels[str(code)] = {"collected": False}
        if request.operation == "DELETE /parcels/{code}" and answer.status == 204:
            self.parcels[request.path["code"]] = {"collected": True}

    def words(self, known: Mapping[str, Any], spec: Specification) -> dict[str, Any]:
        """The words of the lockers' ledger: `parcel`, none when it was never stored."""
        words = World.words(self, known, spec)
        parcel = self.parcels.get(known["path"].get("code", ""))
        return {**words, "parcel": None if parcel is None else dict(parcel)}


@dataclass(frozen=True)
class LockerServices:
    """Starts the old service twice and one new service of some behaviour."""

    new: Behaviour = field(default_factory=lambda: Behaviour(status_of_collected=410))
    variants: tuple[str, ...] = ("memory",)

    @asynccontextmanager
    async def testbed(
        self, profile: ApiProfile, variants: tuple[str, ...]
    ) -> AsyncIterator[Testbed]:
        """The targets of a run."""
        servers = [Server(b) for b in (Behaviour(), Behaviour(), *(self.new for _ in variants))]
        try:
            old, again, *news = (server.target(f"{n}") for n, server in enumerate(servers))
            yield Testbed(old, again, tuple(news), profile.faults, profile.watching)
        finally:
            for server in servers:
                server.stop()

    @asynccontextmanager
    async def old(self, profile: ApiProfile) -> AsyncIterator[HttpTarget]:
        """One old service, to record."""
        del profile
        server = Server(Behaviour())
        try:
            yield server.target("old")
        finally:
            server.stop()


_PARCEL = {"locker": "east-7", "grams": 1200}

PROFILE = ApiProfile(
    name="locker service",
    old_name="the first locker service",
    files=Files(
        contract=HERE / "openapi.yaml",
        ledger=HERE / "ledger.yaml",
        mutants=HERE / "mutants.yaml",
        corpus=Path(os.environ.get("LOCKERS_CORPUS", "corpus-of-the-lockers")),
        scenarios=HERE / "scenarios.arazzo.yaml",
    ),
    ids=GeneratedIds(schema="ParcelCode", pattern=r"[A-Za-z0-9_-]{12}", symbol="parcel"),
    liveness=Liveness("/up", "state", "up"),
    keyed_path="/parcels/none",
    guarded=r"/parcels(/|$)",
    marks=(Mark("/parcels/none", 404, b'{"error":"no parcel none"}'),),
    world=LockerWorld,
    examples=Examples(
        setup=(
            Example("store-0", "POST", "/parcels", _PARCEL),
            Example("store-1", "POST", "/parcels", _PARCEL),
        ),
        valid=(
            Example("store", "POST", "/parcels", _PARCEL),
            Example("read", "GET", "/parcels/{0}"),
            Example("up", "GET", "/up"),
            Example("collect", "DELETE", "/parcels/{1}"),
        ),
    ),
    relations=Relations(fields=("locker",)),
    services=LockerServices(),
)


def profile_for(corpus: Path, new: Callable[[Behaviour], Behaviour] | None = None) -> ApiProfile:
    """The profile with another corpus folder and, if given, another behaviour of the new service."""
    right = Behaviour(status_of_collected=410)
    services = LockerServices(new(right) if new is not None else right)
    return replace(PROFILE, files=replace(PROFILE.files, corpus=corpus), services=services)
