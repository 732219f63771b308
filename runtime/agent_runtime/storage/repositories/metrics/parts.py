"""The one row of metrics of a session: the sums over the parts of its agents.

An agent that takes a session over has a part of its own, and so does one that writes late. Each write
stores the whole part and sums all parts of the session anew, so neither its repetition nor the order of
two writes changes the row. The row's id is kept with the parts, because the shared schema has no index
on the session.
"""

from __future__ import annotations

import json
from typing import Any, Final

import peewee
from peewee import EXCLUDED, fn

from agent_runtime.domain.metrics import Average, SessionTotals
from agent_runtime.storage.repositories.sessions.rows import NOW, THIS
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import MetricParts as Parts
from agent_runtime.storage.schema.shared.metrics import SessionMetrics as Rows
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.dialects import POSTGRESQL, ByDialect, inserted_id
from agent_runtime.storage.sql.statements import Bind, Step, bind

LATENCIES: Final = ("stt", "end_of_turn", "llm", "tts", "response")
_COUNTS: Final = (
    "user_messages",
    "agent_messages",
    "interruptions",
    "errors",
    "input_tokens",
    "output_tokens",
    "cost",
)
STAGES: Final = ("stt", "llm", "tts")
_VALUES: Final = (
    *_COUNTS,
    *(f"cost_{stage}" for stage in STAGES),
    *(f"{latency}_{what}" for latency in LATENCIES for what in ("count", "total")),
)
# The largest value of the shared schema's integer columns.
_MOST: Final = 2**31 - 1
_MICROSECONDS: Final = 1000  # of a millisecond

_THESE: Final = Parts.session_id == bind("session_id")
# Two agents of one session write one after the other, so that each sums up what the other wrote.
_LOCK: Final = POSTGRESQL.raw(
    "SELECT id FROM agent_instance_sessions WHERE session_id = %s FOR UPDATE",
    Bind("session_id", "text"),
)


def locked(database: Database, session_id: str) -> tuple[Step, ...]:
    """The steps that make other writers of this session's metrics wait for the transaction's end."""
    return (_LOCK.bind(session_id=session_id),) if database.dialect is POSTGRESQL else ()


def values_of(totals: SessionTotals) -> dict[str, int | None]:
    """The columns of a part."""
    found: dict[str, int | None] = {name: getattr(totals, name) for name in _COUNTS}
    for stage in STAGES:
        found[f"cost_{stage}"] = getattr(totals.costs, stage)
    for name in LATENCIES:
        latency: Average = getattr(totals, name)
        found[f"{name}_count"] = latency.count
        found[f"{name}_total"] = round(latency.total * _MICROSECONDS)
    return found


def _row_id() -> peewee.Node:
    """The id of the session's row; NULL when it has none, or another program deleted it."""
    return (
        Parts.select(fn.MIN(Parts.metrics_id))
        .join(Rows, on=(Rows.id == Parts.metrics_id))
        .where(_THESE)
    )


def _empty_row() -> peewee.Node:
    """INSERT of a row of zeros for a stored session that has none."""
    values: dict[peewee.Field[Any], Any] = {
        Rows.session: Sessions.session_id,
        Rows.agent_id: Sessions.agent_id,
        Rows.tenant_id: Sessions.tenant_id,
        Rows.date: fn.DATE(Sessions.started_at),
        Rows.created_at: NOW,
        Rows.updated_at: NOW,
    }
    source = Sessions.select(*values.values()).where(THIS, ~fn.EXISTS(_known_row()))
    return Rows.insert_from(source, list(values))


def _known_row() -> peewee.Node:
    return Parts.select(Parts.part).join(Rows, on=(Rows.id == Parts.metrics_id)).where(_THESE)


def part_row(metrics_id: peewee.Node) -> peewee.Node:
    """INSERT of a part of a stored session, or UPDATE of the one that is there."""
    values: dict[peewee.Field[Any], Any] = {
        Parts.session_id: Sessions.session_id,
        Parts.part: bind("part"),
        Parts.metrics_id: metrics_id,
        **{getattr(Parts, name): bind(name, "bigint") for name in _VALUES},
    }
    changed = [Parts.metrics_id, *(getattr(Parts, name) for name in _VALUES)]
    return Parts.insert_from(
        Sessions.select(*values.values()).where(THIS), list(values)
    ).on_conflict(
        conflict_target=[Parts.session_id, Parts.part],
        update={field: getattr(EXCLUDED, field.column_name) for field in changed},
    )


def _sums() -> peewee.Node:
    """UPDATE of the session's row with the sums over its parts."""
    messages = _sum_of(Parts.user_messages + Parts.agent_messages)
    cost = Parts.select(_at_most(fn.NULLIF(fn.SUM(Parts.cost), 0))).where(_THESE)
    return Rows.update(
        {
            Rows.message_count: messages,
            Rows.user_message_count: _sum_of(Parts.user_messages),
            Rows.agent_message_count: _sum_of(Parts.agent_messages),
            Rows.avg_stt_latency: _mean_of("stt"),
            Rows.avg_tts_latency: _mean_of("tts"),
            Rows.avg_llm_latency: _mean_of("llm"),
            Rows.total_tokens: _sum_of(Parts.input_tokens + Parts.output_tokens),
            Rows.input_tokens: _sum_of(Parts.input_tokens),
            Rows.output_tokens: _sum_of(Parts.output_tokens),
            # Without a cost of ours the column may hold another program's.
            Rows.total_cost: fn.COALESCE(cost, Rows.total_cost),
            Rows.error_count: _sum_of(Parts.errors),
            Rows.metadata: _metadata(),
            Rows.updated_at: NOW,
        }
    ).where(Rows.id == _row_id())


def _metadata() -> peewee.Node:
    pairs: list[Any] = []
    for name, value in (
        ("avg_end_of_turn_latency", _mean_of("end_of_turn")),
        ("avg_response_latency", _mean_of("response")),
        ("interruptions", _sum_of(Parts.interruptions)),
        *((f"cost_{stage}", _cost_of(stage)) for stage in STAGES),
    ):
        pairs += [peewee.SQL(f"'{name}'"), value]
    return ByDialect(
        postgresql=fn.json_build_object(*pairs),
        sqlite=fn.json_object(*pairs),
    )


def _sum_of(column: peewee.Node) -> peewee.Node:
    return Parts.select(_at_most(fn.COALESCE(fn.SUM(column), 0))).where(_THESE)


def _cost_of(stage: str) -> peewee.Node:
    """The cost of a stage in micro-cents; NULL when one of the parts does not know its price."""
    column = getattr(Parts, f"cost_{stage}")
    is_known = peewee.Expression(fn.COUNT(column), "=", fn.COUNT(Parts.part))
    return Parts.select(peewee.Case(None, [(is_known, fn.SUM(column).cast("bigint"))])).where(
        _THESE
    )


def _mean_of(latency: str) -> peewee.Node:
    """The mean in whole milliseconds, each turn weighted alike."""
    count, total = getattr(Parts, f"{latency}_count"), getattr(Parts, f"{latency}_total")
    milliseconds = fn.SUM(total) / (float(_MICROSECONDS) * fn.NULLIF(fn.SUM(count), 0))
    return Parts.select(fn.COALESCE(fn.ROUND(milliseconds), 0).cast("integer")).where(_THESE)


def _at_most(value: peewee.Node) -> peewee.Node:
    """The value as an integer, or the largest one that the column holds; NULL stays NULL."""
    return peewee.Case(None, [(peewee.Expression(value, ">", _MOST), _MOST)], value).cast("integer")


class MetricParts(Store):
    """Writes the parts of a session and their sums."""

    _insert = CompiledOnce(_empty_row)
    _upsert = CompiledOnce(lambda: part_row(fn.COALESCE(_row_id(), inserted_id(Rows))))
    _sum = CompiledOnce(_sums)
    _written = CompiledOnce(
        lambda: Parts.select(Parts.metrics_id).where(_THESE, Parts.part == bind("part"))
    )

    async def write(self, session_id: str, part: str, totals: SessionTotals) -> bool:
        """Store the part and sum up; False when the session is not stored."""
        key = {"session_id": session_id, "now": self._database.now()}
        return bool(
            await self._database.write(
                *locked(self._database, session_id),
                self._insert.bind(**key),
                self._upsert.bind(session_id=session_id, part=part, **values_of(totals)),
                self._sum.bind(**key),
                self._written.bind(session_id=session_id, part=part),
            )
        )


def totals_of(row: dict[str, Any]) -> SessionTotals:
    """What a row of an earlier version says of its part; its latencies are means over its messages."""
    details = row["metadata"]
    details = json.loads(details) if isinstance(details, str) else details
    details = details if isinstance(details, dict) else {}
    user, agent = row["user_message_count"] or 0, row["agent_message_count"] or 0

    def average(count: int, mean: Any) -> Average:
        known = isinstance(mean, int | float) and mean > 0
        return Average(count, count * float(mean)) if known else Average()

    return SessionTotals(
        user_messages=user,
        agent_messages=agent,
        interruptions=int(details.get("interruptions") or 0),
        errors=row["error_count"] or 0,
        input_tokens=row["input_tokens"] or 0,
        output_tokens=row["output_tokens"] or 0,
        cost=row["total_cost"] or 0,
        stt=average(user, row["avg_stt_latency"]),
        end_of_turn=average(user, details.get("avg_end_of_turn_latency")),
        llm=average(agent, row["avg_llm_latency"]),
        tts=average(agent, row["avg_tts_latency"]),
        response=average(agent, details.get("avg_response_latency")),
    )
