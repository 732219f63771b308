"""The workers: each writes its own row of `agent_runtime_instances`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

import peewee
from peewee import EXCLUDED

from agent_runtime.domain.lease import WorkerState
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.shared.sessions import RuntimeInstances as Rows
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind

# The statuses of a worker that is gone: it stopped in order, or it disappeared.
STOPPED: Final = "stopped"
LOST: Final = "lost"


def _worker_row() -> peewee.Node:
    """INSERT of the worker's row, or UPDATE of the one with its name."""
    now = bind("now", "timestamp")
    values: dict[peewee.Field[Any], peewee.Node] = {
        Rows.pod_name: bind("name"),
        Rows.namespace: bind("namespace"),
        Rows.status: bind("status"),
        Rows.started_at: bind("started_at", "timestamp"),
        Rows.last_heartbeat: now,
        Rows.cpu_usage: bind("cpu", "integer"),
        Rows.memory_usage: bind("memory", "integer"),
        Rows.active_agent_count: bind("active", "integer"),
        Rows.total_sessions_handled: bind("handled", "integer"),
        Rows.metadata: bind("metadata", "json"),
        Rows.created_at: now,
        Rows.updated_at: now,
    }
    kept = {"pod_name", "created_at"}
    return Rows.insert(values).on_conflict(
        conflict_target=[Rows.pod_name],
        update={
            field: getattr(EXCLUDED, field.column_name)
            for field in values
            if field.column_name not in kept
        },
    )


class StoredWorkers(Store):
    """Implements the port WorkerStore for the workers of one namespace."""

    def __init__(self, database: Database, namespace: str) -> None:
        super().__init__(database)
        self._namespace = namespace

    _report = CompiledOnce(_worker_row)

    async def report(self, instance: WorkerState, started_at: datetime) -> None:
        """Write the worker's state into its row."""
        now: Any = self._database.now()
        await self._database.write(
            self._report.bind(
                name=instance.name,
                namespace=self._namespace,
                status=instance.status,
                started_at=self._database.moment(started_at),
                now=now,
                cpu=instance.cpu_percent,
                memory=instance.memory_mb,
                active=instance.active,
                handled=instance.handled,
                metadata=json.dumps(
                    {
                        "free": instance.free,
                        "turns": dict(instance.turns),
                        **({} if instance.serves is None else {"serves": dict(instance.serves)}),
                    }
                ),
            )
        )

    _mark_lost = CompiledOnce(
        lambda: Rows.update({Rows.status: LOST, Rows.active_agent_count: 0}).where(
            Rows.pod_name == bind("name"), Rows.status != STOPPED
        )
    )

    async def mark_lost(self, name: str) -> None:
        """Keep the worker's row, as lost and without active agents."""
        await self._database.write(self._mark_lost.bind(name=name))

    # Sessions that ran there keep their rows: the schema sets their reference to null, for which the
    # shared schema has no index. Therefore one worker at a time.
    _forget = CompiledOnce(
        lambda: Rows.delete().where(
            Rows.id.in_(
                Rows.select(Rows.id)
                .where(
                    Rows.status.in_((STOPPED, LOST)),
                    Rows.last_heartbeat < bind("before", "timestamp"),
                    Rows.namespace == bind("namespace"),
                )
                .order_by(Rows.last_heartbeat)
                .limit(1)
            )
        )
    )

    async def forget(self, now: datetime, older_than: timedelta) -> None:
        """Delete the oldest worker that is gone and whose last heartbeat is older than `older_than`."""
        before: Any = self._database.moment(now - older_than)
        await self._database.write(self._forget.bind(before=before, namespace=self._namespace))

    _all = CompiledOnce(
        lambda: Rows.select(
            Rows.pod_name,
            Rows.last_heartbeat,
            Rows.status,
            Rows.active_agent_count,
            Rows.total_sessions_handled,
            Rows.cpu_usage,
            Rows.memory_usage,
            Rows.metadata,
        ).where(Rows.status.not_in((STOPPED, LOST)), Rows.namespace == bind("namespace"))
    )

    async def all(self) -> list[WorkerState]:
        """Every worker that is neither stopped nor lost; its heartbeat shows whether it lives."""
        rows = await self._database.read_live(self._all.bind(namespace=self._namespace))
        return [_state_from(row) for row in rows]


def _state_from(row: tuple[Any, ...]) -> WorkerState:
    name, beat, status, active, handled, cpu, memory, metadata = row
    details = json.loads(metadata) if isinstance(metadata, str) else metadata
    details = details if isinstance(details, dict) else {}
    turns = details.get("turns", {})
    return WorkerState(
        name,
        str(beat),
        status,
        active or 0,
        details.get("free", 0),
        handled or 0,
        cpu,
        memory,
        {stage: (number, total) for stage, (number, total) in turns.items()},
        details.get("serves"),
    )
