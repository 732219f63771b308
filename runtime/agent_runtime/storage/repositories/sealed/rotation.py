"""Encrypts the stored configurations with the current key, and finds those that no key opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import peewee
from peewee import fn

from agent_runtime.domain.errors import SecretsUnreadable
from agent_runtime.secrecy.keyring import PREFIX, PREFIX_LENGTH, Keyring, key_id_of
from agent_runtime.storage.repositories.store import Store
from agent_runtime.storage.schema.runtime import (
    AgentVersions,
    PlatformConfigs,
    Registrations,
    WebhookDeliveries,
)
from agent_runtime.storage.sql.database import Database
from agent_runtime.storage.sql.statements import Step, bind

# Rows read at a time: a configuration may have a megabyte.
BATCH: Final = 50


def registration_context(agent_id: int) -> str:
    """What the configuration of an agent, in all its versions, is bound to when it is encrypted."""
    return f"the registration of agent {agent_id}"


def answer_context(agent_id: int) -> str:
    """What the platform's last answer for an agent is bound to."""
    return f"the platform's answer for agent {agent_id}"


def webhook_context(agent_id: int) -> str:
    """What the credentials of an agent's webhooks are bound to."""
    return f"the webhooks of agent {agent_id}"


@dataclass(frozen=True, slots=True)
class _Texts:
    """A column of encrypted texts, and the key of its rows."""

    key: peewee.Field[Any]
    agent_id: peewee.Field[Any]
    text: peewee.Field[Any]
    context_of: Callable[[int], str]


_TEXTS: Final = (
    _Texts(Registrations.id, Registrations.agent_id, Registrations.config, registration_context),
    _Texts(AgentVersions.id, AgentVersions.agent_id, AgentVersions.config, registration_context),
    _Texts(
        PlatformConfigs.agent_id,
        PlatformConfigs.agent_id,
        PlatformConfigs.document,
        answer_context,
    ),
    _Texts(
        WebhookDeliveries.id,
        WebhookDeliveries.agent_id,
        WebhookDeliveries.credentials,
        webhook_context,
    ),
)


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many texts were encrypted anew, how many had the current key, and which no key opens, and why."""

    encrypted: int
    current: int
    unreadable: tuple[str, ...]


class StoredSecrets(Store):
    """The encrypted texts of the database as a whole."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        super().__init__(database)
        self._keyring = keyring

    async def counts(self) -> Mapping[str | None, int]:
        """How many texts are encrypted with each key, by its id; None is for those in clear."""
        found: Counter[str | None] = Counter()
        for texts in _TEXTS:
            # Where a sealed text names its key; one in clear is no text of ours.
            sealed = (
                texts.text.startswith(PREFIX),
                fn.SUBSTR(texts.text, 1, PREFIX_LENGTH),
            )
            beginning = peewee.Case(None, [sealed], "").alias("beginning")
            query = (
                texts.text.model.select(beginning, fn.COUNT(texts.key))
                .where(texts.text.is_null(False))
                .group_by(peewee.SQL("beginning"))
            )
            for text, number in await self._database.read_live(self._compiled(query)):
                found[key_id_of(text)] += number
        return found

    async def rotate(self) -> Rotation:
        """Encrypt every text that is in clear or has another key with the first one."""
        encrypted = current = 0
        unreadable = []
        for texts in _TEXTS:
            async for key, agent_id, text in self._rows(texts):
                if key_id_of(text) == self._keyring.first:
                    current += 1
                    continue
                context = texts.context_of(agent_id)
                try:
                    sealed = self._keyring.seal(self._keyring.open(text, context), context)
                except SecretsUnreadable as error:
                    unreadable.append(str(error))
                else:
                    encrypted += await self._replace(texts, key, text, sealed)
        await self._database.rewrite()
        return Rotation(encrypted, current, tuple(dict.fromkeys(unreadable)))

    async def _replace(self, texts: _Texts, key: int, old: str, new: str) -> int:
        """Store the text, unless it has changed since it was read; returns the number of rows."""
        query = (
            texts.text.model.update({texts.text: bind("new")})
            .where(texts.key == bind("key", "bigint"), texts.text == bind("old"))
            .returning(texts.key)
        )
        return len(await self._database.write(self._compiled(query, key=key, old=old, new=new)))

    async def _rows(self, texts: _Texts) -> AsyncIterator[tuple[int, int, str]]:
        query = (
            texts.text.model.select(texts.key, texts.agent_id, texts.text)
            .where(texts.key > bind("after", "bigint"), texts.text.is_null(False))
            .order_by(texts.key)
            .limit(BATCH)
        )
        last = 0
        while rows := await self._database.read_live(self._compiled(query, after=last)):
            for key, agent_id, text in rows:
                yield key, agent_id, text
                last = key

    def _compiled(self, query: peewee.Node, **values: Any) -> Step:
        """The query as a statement that is used once: a rotation is rare."""
        return self.dialect.compile(query).bind(**values)
