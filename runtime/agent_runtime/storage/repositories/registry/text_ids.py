"""The numbers of agents whose id is a text."""

from __future__ import annotations

from typing import Final

import peewee
from peewee import fn

from agent_runtime.domain.agents.text_ids import TextIdTaken
from agent_runtime.storage.repositories.sessions.rows import NOW
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import Registrations, TextIds
from agent_runtime.storage.sql.compiled import CompiledOnce
from agent_runtime.storage.sql.database import can_be_stored
from agent_runtime.storage.sql.dialects import later
from agent_runtime.storage.sql.statements import bind, single

# The numbers that texts get, from the first to before the second: the platform's own ids count from 1, and
# do not come near.
FIRST: Final = 1_000_000_000
AFTER_LAST: Final = 2_000_000_000
# No agent has this id: its lock serialises the assignments.
_NOBODY: Final = 0

_TEXT: Final = TextIds.text_id == bind("text_id")
_NUMBER: Final = bind("number", "integer")


class StoredTextIds(Store):
    """Implements the port TextIdRegistry."""

    _get = CompiledOnce(lambda: TextIds.select(TextIds.agent_id).where(_TEXT))

    async def number(self, text_id: str) -> int | None:
        """The number of this text; None when it has none."""
        if not can_be_stored(text_id):
            return None
        row = single(await self._database.read(self._get.bind(text_id=text_id)))
        return None if row is None else int(row[0])

    _add = CompiledOnce(lambda: _new_row(_NUMBER))
    _add_free = CompiledOnce(lambda: _new_row(_free_number()))

    async def assign(self, text_id: str, number: int | None = None) -> int:
        """The number of this text, which gets one now if it has none."""
        values = {"text_id": text_id, "now": self._database.now()}
        add = (
            self._add_free.bind(**values)
            if number is None
            else self._add.bind(**values, number=number)
        )
        rows = await self._database.write(
            *self._database.lock(_NOBODY), add, self._get.bind(text_id=text_id)
        )
        if not rows or (number is not None and rows[0][0] != number):
            raise TextIdTaken(text_id, number or AFTER_LAST)
        return int(rows[0][0])

    _all = CompiledOnce(lambda: TextIds.select(TextIds.agent_id, TextIds.text_id))

    async def all(self) -> dict[int, str]:
        """Every text by its number."""
        return dict(await self._database.scan(self._all.bind()))


def _free_number() -> peewee.Node:
    """The number after the highest one that a text has, or an agent registered by number in the range."""
    registered = Registrations.select(fn.COALESCE(fn.MAX(Registrations.agent_id), 0)).where(
        Registrations.agent_id.between(FIRST, AFTER_LAST - 1)
    )
    named = TextIds.alias("named")
    highest = named.select(fn.COALESCE(fn.MAX(named.agent_id), FIRST - 1)).where(
        named.agent_id.between(FIRST, AFTER_LAST - 1)
    )
    return peewee.Expression(later(highest, registered), "+", 1)


def _new_row(number: peewee.Node) -> peewee.Node:
    """INSERT of the text with this number, unless one of both is there."""
    values = {TextIds.text_id: bind("text_id"), TextIds.agent_id: number, TextIds.created_at: NOW}
    other = TextIds.alias("other")
    taken = other.select(other.text_id).where(
        (other.text_id == bind("text_id")) | (other.agent_id == number)
    )
    source = peewee.Select(columns=tuple(values.values())).where(~fn.EXISTS(taken))
    return TextIds.insert_from(source, list(values))
