"""A layer before a service that makes it diverge: what an answer alone cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contract.api.request_facts import request_facts
from contract.api.specification import Specification
from contract.corpus.frozen import RECORDED_KEY
from contract.http.messages import Answer, Request
from contract.mutants.definitions import Mutant
from contract.replay.identity import pointed
from contract.targets.target import Target
from contract.values.documents import dump, parse, plain, typed
from contract.values.expressions import render


@dataclass
class MutatingTarget:
    """Behaves as `inner`, but for what a live mutant says.

    instead: requests do not arrive, this answer is given. key: every request carries the right
    key. twice: requests arrive twice. stale: an answer, once given, is given for ever. restart: a
    restart does `reset`. same-id: each new id is the first one.
    """

    inner: Target
    mutant: Mutant
    spec: Specification
    name: str = "mutant"
    _given: dict[str, Answer] = field(default_factory=dict)
    _first_id: str = ""

    async def reset(self) -> None:
        """Forget everything, the layer's own memory too."""
        self._given.clear()
        self._first_id = ""
        await self.inner.reset()

    async def change(self, what: str) -> None:
        """Pass it on, or do what the mutant does in its place."""
        if what == "restart" and "restart" in self.mutant.change:
            await self.inner.reset()
        else:
            await self.inner.change(what)

    def can(self, what: str) -> bool:
        """Whether the service behind can."""
        return self.inner.can(what)

    async def send(self, request: Request) -> Answer:
        """Send the request the mutant's way, when it is of the mutant's operation."""
        facts = request_facts(request, self.spec)
        change = self.mutant.change
        if facts.operation != self.mutant.operation or "restart" in change:
            return await self.inner.send(request)
        if "instead" in change and facts.key == "right" and self._well_formed(facts.body):
            return await self._made_up(change["instead"], {"body": facts.body})
        if "key" in change:
            request = request.with_header("Authorization", f"Bearer {RECORDED_KEY}")
        if "twice" in change:
            await self.inner.send(request)
        answer = await self.inner.send(request)
        if "stale" in change and answer.status == 200:
            return self._given.setdefault(request.target, answer)
        if "same-id" in change:
            return self._same_id(answer)
        return answer

    async def _made_up(self, template: Mapping[str, Any], facts: Mapping[str, Any]) -> Answer:
        """An answer with the headers that this service's answers have."""
        answer = render(template, facts, f"mutant {self.mutant.id}")
        genuine = await self.inner.send(Request("GET", "/health", ()))
        return replace(genuine, status=answer["status"], body=dump(typed(answer["body"])).encode())

    def _well_formed(self, body: Any) -> bool:
        return self.mutant.operation.startswith("DELETE") or (
            isinstance(body, dict) and {"agentId", "tenantId", "config"} <= body.keys()
        )

    def _same_id(self, answer: Answer) -> Answer:
        found = pointed(plain(parse(answer).value), "/session/sessionId")
        if not isinstance(found, str):
            return answer
        self._first_id = self._first_id or found
        return replace(answer, body=answer.body.replace(found.encode(), self._first_id.encode()))
