"""Ids that a service makes up: which of one service stands for which of the recording.

Each new id gets a symbol that names the step in which it was learnt, `session-12`; requests and
answers are translated between symbols and a target's own ids, so that answers of two services can
be compared as if they had made up the same ids.
"""

from __future__ import annotations

import re
from dataclasses import replace

from contract.api.specification import Specification
from contract.http.messages import Answer, Effect, Request
from contract.values.documents import Kind, parse

# Shorter made-up ids would be found by chance in other texts.
_SHORTEST = 8


class Bijection:
    """Symbols and one target's ids, one to one."""

    def __init__(self) -> None:
        self._id_of: dict[str, str] = {}
        self._symbol_of: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self.clashes: dict[str, str] = {}

    def learn(self, symbol: str, own_id: str) -> None:
        """Take in what an answer showed; an id that was seen before becomes a clash."""
        earlier = self._symbol_of.get(own_id)
        if earlier is not None:
            self.clashes[symbol] = earlier
            return
        self._id_of[symbol] = own_id
        self._symbol_of[own_id] = symbol
        self._pattern = None

    def known(self) -> dict[str, str]:
        """Own ids by symbol."""
        return dict(self._id_of)

    def symbolic(self, text: str) -> str:
        """The text with this target's ids replaced by their symbols."""
        if not self._symbol_of:
            return text
        if self._pattern is None:
            ids = sorted(filter(_is_long, self._symbol_of), key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ids)) or r"(?!)")
        return self._pattern.sub(lambda hit: f"<{self._symbol_of[hit[0]]}>", text)

    def concrete(self, text: str) -> str:
        """The text with symbols replaced by this target's ids.

        A symbol for which the target gave no id becomes an id that no session can have.
        """
        return _SYMBOL.sub(lambda hit: self._id_of.get(hit[1], f"no-such-{hit[1]}"), text)


_SYMBOL = re.compile(r"<(session-\d+)>")


def symbol_of(step: int) -> str:
    """The symbol for an id that was learnt in a step."""
    return f"session-{step}"


def new_id(spec: Specification, request: Request, answer: Answer) -> str | None:
    """The id that an answer hands out, where the contract says that it does."""
    operation = spec.match(request.method, request.path).name
    places = spec.typed_places.get((operation, answer.status), {})
    document = parse(answer)
    if document.kind is not Kind.JSON:
        return None
    for pointer, kind in places.items():
        if kind == "new-id":
            found = pointed(document.value, pointer)
            if isinstance(found, str) and found:
                return found
    return None


def pointed(value: object, pointer: str) -> object:
    """What a JSON pointer of plain keys points at, or None."""
    for key in pointer.split("/")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def symbolic_request(request: Request, bijection: Bijection) -> Request:
    """A recorded request with symbols for the recording's ids; only paths and queries carry ids."""
    return replace(request, target=bijection.symbolic(request.target))


def concrete_request(request: Request, bijection: Bijection) -> Request:
    """A symbolic request with a target's own ids."""
    return replace(request, target=bijection.concrete(request.target))


def symbolic_answer(answer: Answer, bijection: Bijection) -> Answer:
    """An answer, and what it made the service ask of LiveKit, with symbols for the target's ids."""
    return replace(
        answer,
        headers=tuple((name, bijection.symbolic(value)) for name, value in answer.headers),
        body=bijection.symbolic(answer.body.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        ),
        effects=tuple(
            sorted(
                (Effect(e.call, bijection.symbolic(e.body)) for e in answer.effects),
                key=lambda effect: (effect.call, effect.body),
            )
        ),
    )


def _is_long(text: str) -> bool:
    return len(text) >= _SHORTEST
