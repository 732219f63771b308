"""The workers' own rows in `agent_runtime_instances`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

import peewee
from peewee import EXCLUDED

from agent_runtime.domain.lease import WorkerState
from agent_runtime.storage.schema.shared import RuntimeInstances
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import bind

STOPPED: Final = "stopped"
LOST: Final = "lost"


class StoredWorkers:
    """Implements the port InstanceStore. `namespace` is written beside each name."""

    def __init__(self, database: Database, namespace: str) -> None:
        self._database = database
        self._namespace = namespace
        table = RuntimeInstances
        now = bind("now", "timestamp")
        fields: dict[peewee.Field[Any], peewee.Node] = {
            table.pod_name: bind("name"),
            table.namespace: bind("namespace"),
            table.status: bind("status"),
            table.started_at: bind("started_at", "timestamp"),
            table.last_heartbeat: now,
            table.cpu_usage: bind("cpu", "integer"),
            table.memory_usage: bind("memory", "integer"),
            table.active_agent_count: bind("active", "integer"),
            table.total_sessions_handled: bind("handled", "integer"),
            table.metadata: bind("metadata", "json"),
            table.created_at: now,
            table.updated_at: now,
        }
        kept = {"pod_name", "created_at"}
        self._write = database.dialect.compile(
            table.insert(fields).on_conflict(
                conflict_target=[table.pod_name],
                update={
                    f: getattr(EXCLUDED, f.column_name) for f in fields if f.column_name not in kept
                },
            )
        )
        self._bury = database.dialect.compile(
            table.update({table.status: LOST, table.active_agent_count: 0}).where(
                table.pod_name == bind("name"), table.status != STOPPED
            )
        )
        # Sessions that ran there keep their rows: the schema sets their reference to null, for which the
        # shared schema has no index. So one at a time.
        oldest = (
            table.select(table.id)
            .where(
                table.status.in_((STOPPED, LOST)),
                table.last_heartbeat < bind("before", "timestamp"),
                table.namespace == bind("namespace"),
            )
            .order_by(table.last_heartbeat)
            .limit(1)
        )
        self._forget = database.dialect.compile(table.delete().where(table.id.in_(oldest)))
        self._all = database.dialect.compile(
            table.select(
                table.pod_name,
                table.last_heartbeat,
                table.status,
                table.active_agent_count,
                table.total_sessions_handled,
                table.cpu_usage,
                table.memory_usage,
                table.metadata,
            ).where(table.status.not_in((STOPPED, LOST)), table.namespace == bind("namespace"))
        )

    async def report(self, instance: WorkerState, started_at: datetime) -> None:
        """Write how the worker is."""
        now: Any = self._database.now()
        await self._database.write(
            self._write.bind(
                name=instance.name,
                namespace=self._namespace,
                status=instance.status,
                started_at=self._database.moment(started_at),
                now=now,
                cpu=instance.cpu_percent,
                memory=instance.memory_mb,
                active=instance.active,
                handled=instance.handled,
                metadata=json.dumps({"free": instance.free, "turns": dict(instance.turns)}),
            )
        )

    async def mark_lost(self, name: str) -> None:
        """Its row stays, as lost, and counts no more."""
        await self._database.write(self._bury.bind(name=name))

    async def forget(self, now: datetime, older_than: timedelta) -> None:
        """The oldest worker of this namespace that is gone and was last heard of so long ago."""
        before: Any = self._database.moment(now - older_than)
        await self._database.write(self._forget.bind(before=before, namespace=self._namespace))

    async def all(self) -> list[WorkerState]:
        """Every worker that has not said goodbye; which of them live shows in their beats."""
        rows = await self._database.look(self._all.bind(namespace=self._namespace))
        found = []
        for name, beat, status, active, handled, cpu, memory, metadata in rows:
            told = json.loads(metadata) if isinstance(metadata, str) else metadata
            told = told if isinstance(told, dict) else {}
            found.append(
                WorkerState(
                    name,
                    str(beat),
                    status,
                    active or 0,
                    told.get("free", 0),
                    handled or 0,
                    cpu,
                    memory,
                    {
                        stage: (number, total)
                        for stage, (number, total) in told.get("turns", {}).items()
                    },
                )
            )
        return found
