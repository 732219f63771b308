"""Deletes what is kept for longer than the settings allow, in small batches.

One process of a deployment does so, beside its other work: the one that supervises the sessions. Tables of
the shared schema are walked along their primary key, their only index for certain; of them only rows of
sessions that are over are changed, and a row stays where other rows or sums may refer to it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import peewee
from peewee import JOIN, fn

from agent_runtime.domain.session import LIVE
from agent_runtime.storage.repositories.personal.columns import without_caller
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import LiveSessions, MetricParts, SessionEvents
from agent_runtime.storage.schema.shared.langfuse import LangfuseTraces
from agent_runtime.storage.schema.shared.metrics import AgentMetrics, SessionMetrics
from agent_runtime.storage.schema.shared.sessions import Sessions
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import Statement, Step, bind
from agent_runtime.storage.sql.times import aware

logger = logging.getLogger(__name__)

# Rows that are read at once.
BATCH: Final = 500
# Statements of one transaction, so that no other write waits for long.
WRITES: Final = 100
# Seconds of one round; the next one goes on where it stopped.
ROUND: Final = 10.0
# Rows whose sessions live on although they began long ago, which are looked at again in every round.
MAX_WAITING: Final = 1000
# A start further in the future than this is a mistake, and no reason to wait for it.
_SKEW: Final = timedelta(days=1)


TRACE_TEXTS: Final = (
    LangfuseTraces.name,
    LangfuseTraces.user_id,
    LangfuseTraces.input,
    LangfuseTraces.output,
    LangfuseTraces.metadata,
    LangfuseTraces.tags,
)
_SESSION_COLUMNS: Final = (Sessions.room_name, Sessions.metadata)


def _has_texts() -> peewee.Node:
    found = LangfuseTraces.input.is_null(is_null=False)
    for column in TRACE_TEXTS:
        found |= column.is_null(is_null=False)
    return peewee.Case(None, [(found, 1)], 0)


def key_of(model: type[peewee.Model]) -> Any:
    """The column of the model's key."""
    return model._meta.primary_key  # noqa: SLF001 - Peewee's documented name


def _rows(model: type[peewee.Model], at: peewee.Field[Any], *columns: peewee.Node) -> Any:
    """Key, time, the session's status and end, its lease if it lives, and `columns`."""
    head = (key_of(model), at, Sessions.status, Sessions.ended_at, LiveSessions.session_id)
    query = model.select(*head, *columns)
    if model is not Sessions:
        name = "session" if model is SessionMetrics else "session_id"
        session = getattr(model, name)
        query = query.join(Sessions, JOIN.LEFT_OUTER, on=(Sessions.session_id == session))
    return query.join(
        LiveSessions, JOIN.LEFT_OUTER, on=(LiveSessions.session_id == Sessions.session_id)
    )


def _walked(model: type[peewee.Model], at: peewee.Field[Any], *columns: peewee.Node) -> peewee.Node:
    found = _rows(model, at, *columns).where(key_of(model) > bind("after", "integer"))
    walked: peewee.Node = found.order_by(key_of(model)).limit(bind("limit", "integer"))
    return walked


def _one(model: type[peewee.Model], at: peewee.Field[Any], *columns: peewee.Node) -> peewee.Node:
    one: peewee.Node = _rows(model, at, *columns).where(key_of(model) == bind("row", "integer"))
    return one


@dataclass(frozen=True, slots=True)
class RetentionTimes:
    """For how long each kind of data is kept; None keeps it."""

    sessions: timedelta | None = None
    events: timedelta | None = None
    transcripts: timedelta | None = None
    metrics: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that is walked along its key: how to read it, and what to do with a row that is due."""

    read: Statement
    read_one: Statement
    steps: Callable[[Sequence[Any]], Sequence[Step]]


@dataclass(frozen=True, slots=True)
class _Span:
    """What ended before `before` is due; what began between both is too young."""

    before: datetime
    latest: datetime


@dataclass
class _Walk:
    """How far a table is done."""

    after: int = 0
    waiting: dict[int, None] = field(default_factory=dict)


class StoredRetention(Store):
    """Implements the port Retention."""

    def __init__(self, database: Database, times: RetentionTimes) -> None:
        super().__init__(database)
        self._times = times
        self._walks: dict[str, _Walk] = {}

    async def round(self, now: datetime) -> int:
        """Delete what is due, for at most `ROUND` seconds; returns the number of rows changed."""
        until = time.monotonic() + ROUND
        changed = 0
        for kept, work in (
            (self._times.events, self._clear_events),
            (self._times.sessions, self._clear_sessions),
            (self._times.transcripts, self._clear_transcripts),
            (self._times.metrics, self._clear_metrics),
        ):
            if kept is not None:
                changed += await work(_Span(now - kept, now + _SKEW), until)
        if changed:
            logger.info("retention: %d rows", changed)
        return changed

    _old_events = CompiledOnce(
        lambda: (
            SessionEvents.delete()
            .where(
                SessionEvents.id.in_(
                    SessionEvents.select(SessionEvents.id)
                    .where(
                        SessionEvents.at < bind("before", "timestamp"),
                        ~fn.EXISTS(
                            LiveSessions.select().where(
                                LiveSessions.session_id == SessionEvents.session_id
                            )
                        ),
                    )
                    .order_by(SessionEvents.at)
                    .limit(BATCH)
                )
            )
            .returning(SessionEvents.id)
        )
    )

    async def _clear_events(self, span: _Span, until: float) -> int:
        changed = 0
        while time.monotonic() < until:
            step = self._old_events.bind(before=self._database.moment(span.before))
            rows = await self._database.write(step)
            changed += len(rows)
            if len(rows) < BATCH:
                break
        return changed

    _sessions = CompiledOnce(lambda: _walked(Sessions, Sessions.started_at, *_SESSION_COLUMNS))
    _session = CompiledOnce(lambda: _one(Sessions, Sessions.started_at, *_SESSION_COLUMNS))
    _hide_caller = CompiledOnce(
        lambda: Sessions.update(
            {
                Sessions.room_name: bind("room_name"),
                Sessions.metadata: bind("metadata", "json"),
            }
        ).where(key_of(Sessions) == bind("row", "integer"), Sessions.status.not_in(sorted(LIVE)))
    )

    async def _clear_sessions(self, span: _Span, until: float) -> int:
        def hide(row: Sequence[Any]) -> Sequence[Step]:
            changed = without_caller(row[5], row[6])
            if changed is None:
                return ()
            return (self._hide_caller.bind(row=row[0], room_name=changed[0], metadata=changed[1]),)

        table = _Table(self._sessions, self._session, hide)
        return await self._walk("sessions", table, span, until)

    _traces = CompiledOnce(lambda: _walked(LangfuseTraces, LangfuseTraces.timestamp, _has_texts()))
    _trace = CompiledOnce(lambda: _one(LangfuseTraces, LangfuseTraces.timestamp, _has_texts()))
    _forget_texts = CompiledOnce(
        lambda: LangfuseTraces.update(dict.fromkeys(TRACE_TEXTS)).where(
            key_of(LangfuseTraces) == bind("row", "integer")
        )
    )

    async def _clear_transcripts(self, span: _Span, until: float) -> int:
        def forget(row: Sequence[Any]) -> Sequence[Step]:
            return (self._forget_texts.bind(row=row[0]),) if row[5] else ()

        return await self._walk("traces", _Table(self._traces, self._trace, forget), span, until)

    _figures = CompiledOnce(
        lambda: _walked(SessionMetrics, SessionMetrics.created_at, Sessions.session_id)
    )
    _figure = CompiledOnce(
        lambda: _one(SessionMetrics, SessionMetrics.created_at, Sessions.session_id)
    )
    _drop_figures = CompiledOnce(
        lambda: SessionMetrics.delete().where(SessionMetrics.id == bind("row", "integer"))
    )
    _drop_parts = CompiledOnce(
        lambda: MetricParts.delete().where(MetricParts.session_id == bind("session_id"))
    )
    _measured = CompiledOnce(lambda: _walked(AgentMetrics, AgentMetrics.timestamp))
    _measurement = CompiledOnce(lambda: _one(AgentMetrics, AgentMetrics.timestamp))
    _drop_measured = CompiledOnce(
        lambda: AgentMetrics.delete().where(key_of(AgentMetrics) == bind("row", "integer"))
    )

    async def _clear_metrics(self, span: _Span, until: float) -> int:
        def drop(row: Sequence[Any]) -> Sequence[Step]:
            return (
                self._drop_figures.bind(row=row[0]),
                self._drop_parts.bind(session_id=row[5]),
            )

        def drop_measured(row: Sequence[Any]) -> Sequence[Step]:
            return (self._drop_measured.bind(row=row[0]),)

        figures = _Table(self._figures, self._figure, drop)
        measured = _Table(self._measured, self._measurement, drop_measured)
        changed = await self._walk("figures", figures, span, until)
        return changed + await self._walk("measured", measured, span, until)

    async def _walk(self, name: str, table: _Table, span: _Span, until: float) -> int:
        """Change the rows that are due, from where the last round stopped to the first young one."""
        walk = self._walks.setdefault(name, _Walk())
        waiting = list(walk.waiting)
        walk.waiting.clear()
        due: list[Sequence[Any]] = []
        for key in waiting:
            for found in await self._database.read(table.read_one.bind(row=key)):
                self._judge(found, span, walk, due)
        changed = await self._change(table, due)
        while time.monotonic() < until:
            rows = await self._database.scan(table.read.bind(after=walk.after, limit=BATCH))
            due = []
            for row in rows:
                if span.before <= aware(row[1]) <= span.latest:
                    rows = ()
                    break
                walk.after = row[0]
                self._judge(row, span, walk, due)
            changed += await self._change(table, due)
            if len(rows) < BATCH:
                break
        return changed

    def _judge(
        self, row: Sequence[Any], span: _Span, walk: _Walk, due: list[Sequence[Any]]
    ) -> None:
        _, _, status, ended_at, live = row[:5]
        if status is None:
            return  # of no session of ours
        if live is None and status not in LIVE and ended_at and aware(ended_at) < span.before:
            due.append(row)
        elif len(walk.waiting) < MAX_WAITING:
            walk.waiting[row[0]] = None

    async def _change(self, table: _Table, due: Sequence[Sequence[Any]]) -> int:
        steps: list[Step] = []
        changed = 0
        for row in due:
            found = table.steps(row)
            changed += bool(found)
            steps += found
        for start in range(0, len(steps), WRITES):
            await self._database.write(*steps[start : start + WRITES])
        return changed
