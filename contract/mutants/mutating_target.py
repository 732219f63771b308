"""A layer in front of a service that makes it diverge where a changed answer is not enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contract.api.api import Api
from contract.api.facts import RequestFacts
from contract.api.request_facts import request_facts
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.mutants.definitions import Mutant
from contract.replay.identity import new_id
from contract.targets.target import Target
from contract.targets.testbed import RESTART
from contract.values.documents import dump, typed
from contract.values.expressions import render


@dataclass
class MutatingTarget:
    """Behaves as `inner`, except for the change of a live mutant.

    instead: valid requests do not arrive, and this is the answer. key: every request carries the right
    key. twice: requests arrive twice. stale: the first answer to a path is repeated for ever. restart: a
    restart resets the service. same-id: each new id is the first one.
    """

    inner: Target
    mutant: Mutant
    api: Api
    name: str = "mutant"
    _given: dict[str, Answer] = field(default_factory=dict)
    _first_id: str = ""

    @property
    def watched(self) -> bool:
        """Whether answers carry the calls that the service made to its peer."""
        return self.inner.watched

    async def reset(self) -> None:
        """Forget everything, also in this layer."""
        self._given.clear()
        self._first_id = ""
        await self.inner.reset()

    async def change(self, what: str) -> None:
        """Pass the change on, or reset in place of a restart."""
        if what == RESTART and RESTART in self.mutant.change:
            await self.inner.reset()
        else:
            await self.inner.change(what)

    def can(self, what: str) -> bool:
        """Whether the service behind this layer can."""
        return self.inner.can(what)

    async def send(self, request: Request) -> Answer:
        """Send a request of the mutant's operation in the mutant's way, others unchanged."""
        facts = request_facts(request, self.api)
        change = self.mutant.change
        if facts.operation != self.mutant.operation or RESTART in change:
            return await self.inner.send(request)
        if "instead" in change and facts.key == "right" and self._well_formed(facts):
            return await self._made_up(change["instead"], {"body": facts.body})
        if "key" in change:
            request = request.with_header("Authorization", f"Bearer {RECORDED_KEY}")
        if "twice" in change:
            await self.inner.send(request)
        answer = await self.inner.send(request)
        if "stale" in change and answer.status == 200:
            return self._given.setdefault(request.target, answer)
        if "same-id" in change:
            return self._same_id(request, answer)
        return answer

    async def _made_up(self, template: Mapping[str, Any], facts: Mapping[str, Any]) -> Answer:
        """An answer with the headers that this service's answers have."""
        answer = render(template, facts, f"mutant {self.mutant.id}")
        genuine = await self.inner.send(Request("GET", self.api.profile.liveness.path, ()))
        return replace(genuine, status=answer["status"], body=dump(typed(answer["body"])).encode())

    def _well_formed(self, facts: RequestFacts) -> bool:
        if not facts.takes_body:
            return True
        required = self.api.spec.required_keys(facts.operation)
        return isinstance(facts.body, dict) and required <= facts.body.keys()

    def _same_id(self, request: Request, answer: Answer) -> Answer:
        found = new_id(self.api, request, answer)
        if found is None:
            return answer
        self._first_id = self._first_id or found
        return replace(answer, body=answer.body.replace(found.encode(), self._first_id.encode()))
