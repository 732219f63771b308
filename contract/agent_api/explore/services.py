"""What the machine explores: services that answer operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from contract.agent_api.explore.operations import Create, Operation, Restart, request_of
from contract.agent_api.explore.reference import Contract, Reply
from contract.http.messages import Answer
from contract.targets.target import Target
from contract.targets.testbed import RESTART
from contract.values.documents import Kind, parse, plain
from contract.values.pointers import pointed

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Service(Protocol):
    """Answers operations one after another, from fresh state."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def fresh(self) -> Contract:
        """Forget everything; returns the reference that the replies must follow."""

    def reply(self, operation: Operation) -> Reply:
        """Answer an operation."""


@dataclass
class Live:
    """A service behind a target; `run` runs a coroutine to its end, `dialect` makes its reference."""

    target: Target
    dialect: Callable[[], Contract]
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    ids: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The target's name."""
        return self.target.name

    def fresh(self) -> Contract:
        """Reset the service."""
        self.ids.clear()
        self.run(self.target.reset())
        return self.dialect()

    def reply(self, operation: Operation) -> Reply:
        """Send the request, and give ids and times their names."""
        if isinstance(operation, Restart):
            self.run(self.target.change(RESTART))
            return Reply(0, None)
        answer: Answer = self.run(self.target.send(request_of(operation, self.ids)))
        document = parse(answer)
        body: Any = document.text if document.value is None and document.text else None
        if document.kind is Kind.JSON and document.value is not None:
            body = plain(document.value)
        if isinstance(operation, Create):
            found = pointed(body, "/session/sessionId")
            self.ids.append(found if isinstance(found, str) else f"never-{len(self.ids)}")
        return Reply(answer.status, self._named(body))

    def _named(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._named(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._named(item) for item in value]
        if not isinstance(value, str):
            return value
        for number, own in enumerate(self.ids):
            value = value.replace(own, f"#{number}")
        return _TIME.sub("then", value)
