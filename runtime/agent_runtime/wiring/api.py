"""The API's process: HTTP server, use cases and session supervisor on one event loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.settings import Settings
from agent_runtime.wiring.database import keeping, open_database
from agent_runtime.wiring.plaintext import warn_of_plaintext
from agent_runtime.wiring.secrets import check_secret_keys, keep_files_private

if TYPE_CHECKING:
    from agent_runtime.api.resources.callers import EraseCaller
    from agent_runtime.api.resources.prometheus import ReadOverview
    from agent_runtime.application.creates.creation import CreateRules
    from agent_runtime.application.key_ring import KeyRing
    from agent_runtime.application.serviceability import Serviceability
    from agent_runtime.application.session_supervisor import SessionSupervisor
    from agent_runtime.domain.callers.erasure import Erasure
    from agent_runtime.domain.ports.workers import Availability, LeaderLock
    from agent_runtime.livekit_api.rooms import LiveKitRooms
    from agent_runtime.settings import ApiSettings
    from agent_runtime.storage import Database, StoredSessions
    from agent_runtime.storage.repositories.personal.retention import RetentionTimes

logger = logging.getLogger(__name__)

# File descriptors that clients' connections leave free: for files, LiveKit and the leader lock.
RESERVED: Final = 40


def run_api(settings: Settings) -> int:
    """Serve the HTTP API until a signal; returns the exit code. Raises CannotStart."""
    import uvloop

    from agent_runtime.api.http.server import listen
    from agent_runtime.wiring.descriptors import raise_descriptor_limit

    keep_files_private()
    descriptors = raise_descriptor_limit()
    listening = listen(settings.api.address, settings.api.port)
    warn_of_plaintext(settings)
    check_secret_keys(settings)
    uvloop.run(_serve(settings, listening, descriptors))
    return 0


async def _warn_of_open_doors(api: ApiSettings, ring: KeyRing) -> None:
    try:
        needs_key = api.has_key or not await ring.is_empty()
    except StoreUnavailable:
        needs_key = True  # as long as it is not known; the ring has logged why
    if not needs_key:
        logger.warning(
            "AGENT_RUNTIME_API_KEY is not set: everybody who reaches %s port %d may use every operation",
            api.address,
            api.port,
        )
    elif api.open_sessions_and_metrics:
        logger.warning(
            "AGENT_RUNTIME_OPEN_SESSIONS_AND_METRICS is true: both need no key on %s port %d",
            api.address,
            api.port,
        )


async def _serve(settings: Settings, listening: socket.socket, descriptors: int) -> None:
    from agent_runtime.api.app import AuthPolicy, create_app
    from agent_runtime.api.http.limits import ReadTimeouts
    from agent_runtime.api.http.server import MAX_CONNECTIONS, ApiServer
    from agent_runtime.api.resources.callers import CallerErasure
    from agent_runtime.api.resources.webhooks import Webhooks
    from agent_runtime.application.agent_runtime import AgentRuntime
    from agent_runtime.application.audit_trail import AuditTrail
    from agent_runtime.application.key_ring import KeyRing
    from agent_runtime.livekit_api.webhooks import WebhookReader
    from agent_runtime.storage import (
        RegisteredAgents,
        StoredAudit,
        StoredKeys,
        StoredMetrics,
        StoredSessions,
        leader_lock,
    )
    from agent_runtime.wiring.sources import templates
    from agent_runtime.wiring.webhooks import webhook_delivery

    database = open_database(settings)
    namespace = settings.worker.namespace
    keyring = settings.secrets.keyring()
    sessions = StoredSessions(database, namespace, keyring, keeping(settings))
    rooms = _rooms(settings, database)
    runtime = AgentRuntime(
        agents=RegisteredAgents(
            database, sessions, settings.database.agent_versions_kept, keyring=keyring
        ),
        sessions=sessions,
        metrics=StoredMetrics(database),
        rooms=rooms,
        database=database,
        default_max_sessions=settings.api.max_sessions_per_agent,
        providers=settings.provider_defaults(),
        templates=templates(settings),
        serviceability=_serviceability(settings, database),
        rules=_rules_of_creates(settings, database),
    )
    lock = leader_lock(
        settings.database.url, prepare=settings.database.prepare, namespace=namespace
    )
    supervisor = _supervisor(settings, database, sessions, rooms, lock)
    api, livekit, store = settings.api, settings.livekit, settings.database
    ring = KeyRing(StoredKeys(database))
    await _warn_of_open_doors(api, ring)
    trail = AuditTrail(StoredAudit(database), timedelta(days=settings.audit.retention_days))
    reader = WebhookReader(livekit.api_key, livekit.api_secret.get_secret_value())
    app = create_app(
        runtime,
        AuthPolicy(api.api_key.get_secret_value(), ring, api.open_sessions_and_metrics),
        webhooks=Webhooks(reader.read, supervisor.nudge),
        callers=CallerErasure(_erase(settings, database)),
        overview=_overview(settings, database),
        record=trail.record,
    )
    server = ApiServer(
        app,
        ReadTimeouts(head=api.header_timeout, body=api.body_timeout),
        keep_alive=api.keep_alive,
        max_connections=min(MAX_CONNECTIONS, max(8, descriptors - RESERVED - store.pool_size)),
    )
    gc.collect()
    gc.freeze()  # the garbage collector need not visit what is loaded now: it stays to the end
    delivery = webhook_delivery(settings, database, lambda: supervisor.leads)
    background = [
        asyncio.create_task(work) for work in (supervisor.run(), trail.run(), delivery.run())
    ]
    try:
        await server.serve_on(listening)
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        runtime.stop()
        await ring.close()
        await trail.close()
        await lock.close()
        await rooms.close()
        await database.close()


def _rooms(settings: Settings, database: Database) -> LiveKitRooms:
    from agent_runtime.livekit_api.rooms import LiveKitRooms
    from agent_runtime.storage import dispatch_notifier

    livekit, store = settings.livekit, settings.database
    notifier = dispatch_notifier(
        database,
        store.url,
        prepare=store.prepare,
        key=livekit.api_key,
        namespace=settings.worker.namespace,
    )
    return LiveKitRooms(
        livekit.url,
        livekit.api_key,
        livekit.api_secret.get_secret_value(),
        timeout=livekit.timeout,
        on_dispatch=None if notifier is None else notifier.notify,
    )


def _rules_of_creates(settings: Settings, database: Database) -> CreateRules:
    from agent_runtime.application.creates.creation import CreateRules
    from agent_runtime.application.creates.limits import LimitsOfCreates
    from agent_runtime.application.creates.repeated_requests import RepeatedRequests
    from agent_runtime.storage.repositories.sessions.requests import StoredRequests, StoredTenants

    limits = LimitsOfCreates(
        StoredTenants(database),
        waiting=settings.watch.max_waiting,
        of_tenant=settings.api.tenant_max_sessions,
    )
    return CreateRules(
        _availability(settings, database), limits, RepeatedRequests(StoredRequests(database))
    )


def _availability(settings: Settings, database: Database) -> Availability | None:
    if settings.watch.when_full == "queue":
        return None
    from agent_runtime.application.availability import WorkerAvailability
    from agent_runtime.storage import StoredLeases, StoredWorkers

    workers = StoredWorkers(database, settings.worker.namespace)
    return WorkerAvailability(workers, StoredLeases(database, settings.worker.namespace))


def _serviceability(settings: Settings, database: Database) -> Serviceability:
    from agent_runtime.application.serviceability import Serviceability
    from agent_runtime.storage import StoredWorkers

    return Serviceability(
        StoredWorkers(database, settings.worker.namespace),
        settings.provider_defaults(),
    )


def _supervisor(
    settings: Settings,
    database: Database,
    sessions: StoredSessions,
    rooms: LiveKitRooms,
    lock: LeaderLock,
) -> SessionSupervisor:
    from agent_runtime.application.session_supervisor import SessionSupervisor
    from agent_runtime.domain.dispatch_rules import DispatchTimeouts
    from agent_runtime.storage import StoredEvents, StoredLeases, StoredTranscripts, StoredWorkers
    from agent_runtime.storage.repositories.personal.retention import StoredRetention

    # The fields that have a setting carry its name; the others keep their defaults.
    names = {field.name for field in fields(DispatchTimeouts)}
    return SessionSupervisor(
        lock=lock,
        leases=StoredLeases(database, settings.worker.namespace, settings.secrets.keyring()),
        sessions=sessions,
        workers=StoredWorkers(database, settings.worker.namespace),
        events=StoredEvents(database),
        transcripts=StoredTranscripts(database),
        retention=StoredRetention(database, _retention_times(settings)),
        rooms=rooms,
        timeouts=DispatchTimeouts(**settings.watch.model_dump(include=names)),
        interval=settings.watch.interval,
    )


def _retention_times(settings: Settings) -> RetentionTimes:
    from agent_runtime.storage.repositories.personal.retention import RetentionTimes

    days = settings.privacy.model_dump(exclude={"tier"})
    return RetentionTimes(
        **{
            name.removesuffix("_days"): timedelta(days=number) if number else None
            for name, number in days.items()
        }
    )


def _erase(settings: Settings, database: Database) -> EraseCaller:
    from agent_runtime.application.caller_erasure import erase_caller
    from agent_runtime.storage.repositories.personal.erasure import CallerRows

    records = CallerRows(database, keeping(settings).pseudonyms)

    async def erase(identity: str, dry_run: bool) -> Erasure:
        return await erase_caller(records, identity, dry_run=dry_run)

    return erase


def _overview(settings: Settings, database: Database) -> ReadOverview:
    from agent_runtime.api.resources.prometheus import Overview
    from agent_runtime.storage import StoredLeases, StoredWorkers

    workers = StoredWorkers(database, settings.worker.namespace)
    leases = StoredLeases(database, settings.worker.namespace)

    async def read() -> Overview:
        return Overview(await workers.all(), await leases.live())

    return read
