"""Merges rows of metrics that earlier versions wrote for one session: `agent-runtime doctor --repair`."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import peewee
from peewee import fn

from agent_runtime.storage.repositories.metrics.parts import (
    MetricParts,
    locked,
    part_row,
    totals_of,
    values_of,
)
from agent_runtime.storage.schema.runtime import LiveSessions
from agent_runtime.storage.schema.runtime import MetricParts as Parts
from agent_runtime.storage.schema.shared.metrics import SessionMetrics as Rows
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.statements import bind

# Sessions that are read at once; each is merged in a transaction of its own.
BATCH: Final = 500
_COLUMNS: Final = (
    "id",
    "session_id",
    "user_message_count",
    "agent_message_count",
    "avg_stt_latency",
    "avg_tts_latency",
    "avg_llm_latency",
    "input_tokens",
    "output_tokens",
    "total_cost",
    "langfuse_cost",
    "error_count",
    "metadata",
)


def _rows_of_doubled() -> peewee.Node:
    """The rows of some sessions that are over and have several."""
    sessions = (
        Rows.select(Rows.session)
        .where(~fn.EXISTS(LiveSessions.select().where(LiveSessions.session_id == Rows.session)))
        .group_by(Rows.session)
        .having(fn.COUNT(Rows.id) > 1)
        .order_by(Rows.session)
        .limit(bind("limit", "integer"))
    )
    columns = (Rows.session if name == "session_id" else getattr(Rows, name) for name in _COLUMNS)
    return Rows.select(*columns).where(Rows.session.in_(sessions)).order_by(Rows.id)


class MetricRepair(MetricParts):
    """Gives each session that is over and has several rows one row with their sums."""

    _doubled = CompiledOnce(_rows_of_doubled)

    async def merge(self) -> int:
        """Merge all; returns the number of sessions that were merged. A live session is left alone."""
        merged = 0
        while found := await self._next():
            for session_id, rows in found.items():
                await self._merge(session_id, rows)
            merged += len(found)
        return merged

    async def _next(self) -> dict[str, list[dict[str, Any]]]:
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for values in await self._database.scan(self._doubled.bind(limit=BATCH)):
            row = dict(zip(_COLUMNS, values, strict=True))
            found[row["session_id"]].append(row)
        return dict(found)

    _adopt = CompiledOnce(lambda: part_row(bind("keep", "integer")))
    _covered = CompiledOnce(
        lambda: (
            Parts.select(Parts.metrics_id).where(Parts.session_id == bind("session_id")).distinct()
        )
    )
    _point = CompiledOnce(
        lambda: Parts.update({Parts.metrics_id: bind("keep", "integer")}).where(
            Parts.session_id == bind("session_id")
        )
    )
    _add_cost = CompiledOnce(
        lambda: Rows.update(
            {
                Rows.langfuse_cost: fn.COALESCE(Rows.langfuse_cost, 0)
                + bind("langfuse_cost", "integer")
            }
        ).where(Rows.id == bind("keep", "integer"))
    )
    _drop = CompiledOnce(lambda: Rows.delete().where(Rows.id == bind("row", "integer")))

    async def _merge(self, session_id: str, rows: list[dict[str, Any]]) -> None:
        covered = {
            row for (row,) in await self._database.read(self._covered.bind(session_id=session_id))
        }
        keep, *others = sorted(rows, key=lambda row: row["id"])
        steps = [
            self._adopt.bind(
                session_id=session_id,
                part=f"row {row['id']}",
                keep=keep["id"],
                **values_of(totals_of(row)),
            )
            for row in rows
            if row["id"] not in covered
        ]
        steps.append(self._point.bind(session_id=session_id, keep=keep["id"]))
        for row in others:
            cost = row["langfuse_cost"] or 0
            steps.append(self._add_cost.bind(keep=keep["id"], langfuse_cost=cost))
            steps.append(self._drop.bind(row=row["id"]))
        steps.append(self._sum.bind(session_id=session_id, now=self._database.now()))
        await self._database.write(*locked(self._database, session_id), *steps)
