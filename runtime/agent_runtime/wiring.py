"""The only place that knows everybody: puts the parts together for each command."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from agent_runtime.livekit_api.tokens import caller_token as _caller_token
from agent_runtime.settings import Settings

if TYPE_CHECKING:
    from agent_runtime.api.resources.prometheus import Overview
    from agent_runtime.application.session_supervisor import SessionSupervisor
    from agent_runtime.domain.ports.workers import Availability, LeaderLock
    from agent_runtime.livekit_api.rooms import LiveKitRooms
    from agent_runtime.storage import Database, StoredSessions
    from agent_runtime.voice.jobs.settings import VoiceSettings
    from agent_runtime.voice.jobs.stores import Stores


FOLLOW_EVERY = 0.5  # seconds


def open_database(settings: Settings, connections: int | None = None) -> Database:
    """The database of the settings; `connections` bounds them further."""
    from agent_runtime.storage import open_database

    database = settings.database
    most = database.pool_size if connections is None else min(connections, database.pool_size)
    return open_database(database.url, prepare=database.prepare, pool_size=most)


def run_api(settings: Settings) -> int:
    """Serve the HTTP API until a signal; returns the exit code."""
    import uvloop

    from agent_runtime.api.http.server import listen

    listening = listen(settings.api.host, settings.api.port)
    uvloop.run(_serve_api(settings, listening))
    return 0


async def _serve_api(settings: Settings, listening: object) -> None:
    from agent_runtime.api.app import AuthPolicy, create_app
    from agent_runtime.api.http.limits import ReadTimeouts
    from agent_runtime.api.http.server import ApiServer
    from agent_runtime.api.resources.webhooks import Webhooks
    from agent_runtime.application.agent_runtime import AgentRuntime
    from agent_runtime.livekit_api.rooms import LiveKitRooms
    from agent_runtime.livekit_api.webhooks import WebhookReader
    from agent_runtime.storage import (
        RegisteredAgents,
        StoredMetrics,
        StoredSessions,
        dispatch_notifier,
        leader_lock,
    )

    database = open_database(settings)
    sessions = StoredSessions(database)
    livekit = settings.livekit
    store = settings.database
    bell = dispatch_notifier(database, store.url, prepare=store.prepare, key=livekit.api_key)
    rooms = LiveKitRooms(
        livekit.url,
        livekit.api_key,
        livekit.api_secret.get_secret_value(),
        timeout=livekit.timeout,
        asked=None if bell is None else bell.notify,
    )
    runtime = AgentRuntime(
        agents=RegisteredAgents(database, sessions),
        sessions=sessions,
        metrics=StoredMetrics(database),
        rooms=rooms,
        database=database,
        default_max_sessions=settings.api.max_sessions_per_agent,
        places=_places(settings, database),
    )
    access = AuthPolicy(
        settings.api.api_key.get_secret_value(), settings.api.open_sessions_and_metrics
    )
    patience = ReadTimeouts(head=settings.api.header_timeout, body=settings.api.body_timeout)
    guard = leader_lock(settings.database.url, prepare=settings.database.prepare)
    watcher = _watcher(settings, database, sessions, rooms, guard)
    reader = WebhookReader(livekit.api_key, livekit.api_secret.get_secret_value())
    webhooks = Webhooks(reader.read, watcher.nudge)
    app = create_app(runtime, access, webhooks=webhooks, overview=_overview(settings, database))
    server = ApiServer(app, patience)
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look at it again
    watching = asyncio.create_task(watcher.run())
    try:
        await server.serve_on(listening)  # type: ignore[arg-type]
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        runtime.stop()
        await guard.close()
        await rooms.close()
        await database.close()


def _overview(settings: Settings, database: Database) -> Callable[[], Awaitable[Overview]]:
    from agent_runtime.api.resources.prometheus import Overview
    from agent_runtime.storage import StoredLeases, StoredWorkers

    workers = StoredWorkers(database, settings.worker.namespace)
    leases = StoredLeases(database)

    async def read() -> Overview:
        return Overview(await workers.all(), await leases.live())

    return read


def _places(settings: Settings, database: Database) -> Availability | None:
    if settings.watch.when_full == "queue":
        return None
    from agent_runtime.application.availability import WorkerAvailability
    from agent_runtime.storage import StoredLeases, StoredWorkers

    workers = StoredWorkers(database, settings.worker.namespace)
    return WorkerAvailability(workers, StoredLeases(database))


def _watcher(
    settings: Settings,
    database: Database,
    sessions: StoredSessions,
    rooms: LiveKitRooms,
    guard: LeaderLock,
) -> SessionSupervisor:
    from agent_runtime.application.session_supervisor import SessionSupervisor
    from agent_runtime.domain.dispatch_rules import DispatchTimeouts
    from agent_runtime.storage import (
        StoredEvents,
        StoredLeases,
        StoredTranscripts,
        StoredWorkers,
    )

    given = settings.watch
    return SessionSupervisor(
        guard=guard,
        leases=StoredLeases(database),
        sessions=sessions,
        workers=StoredWorkers(database, settings.worker.namespace),
        events=StoredEvents(database),
        transcripts=StoredTranscripts(database),
        rooms=rooms,
        terms=DispatchTimeouts(
            lease=given.lease, start=given.start, answer=given.answer, deadline=given.deadline
        ),
        interval=given.interval,
    )


def run_worker(settings: Settings, mode: str, arguments: Sequence[str]) -> int:
    """Run the worker in one of its modes; returns the exit code."""
    from agent_runtime.voice.worker.commands import run_worker

    return run_worker(_voice(settings), open_stores, mode, arguments)


@asynccontextmanager
async def open_stores(connections: int | None = None) -> AsyncIterator[Stores]:
    """The database in a worker's or a job's process, from that process's own environment."""
    from agent_runtime.storage import (
        RegisteredAgents,
        StoredLeases,
        StoredMetrics,
        StoredSessions,
        StoredTranscripts,
        StoredWorkers,
        dispatch_listener,
    )
    from agent_runtime.voice.jobs.stores import Stores

    settings = Settings.load(os.environ, env_file=Path(".env"))
    # Opening SQLite reads the disk; a call is starting on this loop.
    database = await asyncio.to_thread(open_database, settings, connections)
    store = settings.database
    try:
        sessions = StoredSessions(database)
        yield Stores(
            agents=RegisteredAgents(database, sessions),
            sessions=sessions,
            metrics=StoredMetrics(database),
            leases=StoredLeases(database),
            transcripts=StoredTranscripts(database),
            workers=StoredWorkers(database, settings.worker.namespace),
            ear=dispatch_listener(store.url, prepare=store.prepare, key=settings.livekit.api_key),
        )
    finally:
        await database.close()


def migrate_database(settings: Settings) -> str:
    """Bring our own tables up to date; returns what was done, for people.

    Raises StoreUnavailable.
    """
    from agent_runtime.storage.schema.migrations import migrate_postgres
    from agent_runtime.storage.sql.url import is_postgres

    if not is_postgres(settings.database.url):
        database = open_database(settings)  # makes and migrates what is missing
        asyncio.run(_close(database))
        return "SQLite: all tables are there"
    versions = migrate_postgres(settings.database.url)
    return f"applied: {', '.join(map(str, versions))}" if versions else "nothing to do"


async def _close(database: Database) -> None:
    await database.close()


def check_database(settings: Settings) -> list[str]:
    """Each difference between the database and what the runtime needs, one line each."""
    from agent_runtime.storage.schema.check import check_schema

    return [str(finding) for finding in check_schema(settings.database.url)]


def examine(settings: Settings) -> list[str]:
    """Each law that the rows break, one line each. Raises StoreUnavailable."""

    async def look() -> list[str]:
        from agent_runtime.storage import Doctor

        database = open_database(settings)
        try:
            await database.check()
            return [str(broken) for broken in await Doctor(database).examine()]
        finally:
            await database.close()

    return asyncio.run(look())


def live_sessions(settings: Settings) -> list[str]:
    """A table of the sessions that live. Raises StoreUnavailable."""

    async def look() -> list[str]:
        from agent_runtime.cli.session_table import table
        from agent_runtime.storage import StoredLeases

        database = open_database(settings)
        try:
            return table(await StoredLeases(database).live(), datetime.now(UTC))
        finally:
            await database.close()

    return asyncio.run(look())


def follow(settings: Settings, session_id: str, say: Callable[[str], None]) -> bool:
    """Say what happened to a session and what goes on, to its end; False when there is none.

    Raises StoreUnavailable.
    """

    async def look() -> bool:
        from agent_runtime.cli.session_table import step
        from agent_runtime.storage import StoredEvents, StoredSessions

        database = open_database(settings)
        try:
            sessions, events, last = StoredSessions(database), StoredEvents(database), 0
            while True:
                # Read before the events: what ends it stands among them then.
                session = await sessions.get(session_id)
                for number, event in await events.read(session_id, last):
                    say(step(event))
                    last = number
                if session is None:
                    return False
                if session.status.is_final:
                    return True
                await asyncio.sleep(FOLLOW_EVERY)
        finally:
            await database.close()

    return asyncio.run(look())


def caller_token(settings: Settings, room_name: str, identity: str, valid: timedelta) -> str:
    """A token to join a room by hand."""
    livekit = settings.livekit
    return _caller_token(
        livekit.api_key, livekit.api_secret.get_secret_value(), room_name, identity, valid
    )


def _drivers(settings: Settings) -> tuple[str, str]:
    from agent_runtime.storage.sql.url import is_postgres

    kind = "postgres" if is_postgres(settings.database.url) else "sqlite"
    return f"agent_runtime.storage.{kind}.database", f"agent_runtime.storage.{kind}.notify"


def _voice(settings: Settings) -> VoiceSettings:
    from agent_runtime.providers.common.spec import ProviderDefaults
    from agent_runtime.voice.jobs.settings import VoiceSettings

    given, worker, livekit = settings.providers, settings.worker, settings.livekit
    return VoiceSettings(
        deepgram=ProviderDefaults(
            given.deepgram_api_key.get_secret_value(), given.deepgram_base_url, given.stt_model
        ),
        openai=ProviderDefaults(
            given.openai_api_key.get_secret_value(), given.openai_base_url, given.llm_model
        ),
        cartesia=ProviderDefaults(
            given.cartesia_api_key.get_secret_value(),
            given.cartesia_base_url,
            given.tts_model,
            given.tts_voice_id,
        ),
        heartbeat=worker.heartbeat,
        leave_grace=worker.leave_grace,
        wait_for_caller=worker.wait_for_caller,
        silence=worker.silence,
        name=worker.name or f"{socket.gethostname()}-{os.getpid()}",
        max_calls=worker.max_calls,
        most_cpu_pressure=worker.most_cpu_pressure,
        max_sessions_per_agent=settings.api.max_sessions_per_agent,
        idle_processes=worker.idle_processes,
        health_host=worker.health_host,
        health_port=worker.health_port,
        drain_timeout=worker.drain_timeout,
        livekit_url=livekit.url,
        livekit_api_key=livekit.api_key,
        livekit_api_secret=livekit.api_secret.get_secret_value(),
        turn_detector_plugin=worker.turn_detector_plugin,
        profile=worker.profile,
        preload=("agent_runtime.wiring", "agent_runtime.storage", *_drivers(settings)),
    )
