"""Generated ids: which id of one service corresponds to which id of the recording.

Each new id gets a symbol with the step that handed it out, `session-12`. Requests and answers are
translated between symbols and a target's own ids, so that the answers of two services compare as if
both had generated the same ids.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from contract.api.api import Api
from contract.api.profile import GeneratedIds
from contract.http.messages import Answer, Effect, Request
from contract.values.documents import Kind, parse
from contract.values.pointers import pointed

# Characters; a shorter id would match within other texts by chance.
_SHORTEST: Final = 8


class Bijection:
    """Symbols and one target's ids, one to one."""

    def __init__(self, ids: GeneratedIds) -> None:
        self._symbol = re.compile(rf"<({re.escape(ids.symbol)}-\d+)>")
        self._absent = re.compile(rf"no-such-({re.escape(ids.symbol)}-\d+)")
        self._id_of: dict[str, str] = {}
        self._symbol_of: dict[str, str] = {}
        self._lengths: list[int] = []  # of the ids, longest first
        self.clashes: dict[str, str] = {}

    def learn(self, symbol: str, own_id: str) -> None:
        """Take in a new id; an id that was handed out before becomes a clash with its symbol."""
        earlier = self._symbol_of.get(own_id)
        if earlier is not None:
            self.clashes[symbol] = earlier
            return
        self._id_of[symbol] = own_id
        self._symbol_of[own_id] = symbol
        if len(own_id) >= _SHORTEST and len(own_id) not in self._lengths:
            self._lengths = sorted({*self._lengths, len(own_id)}, reverse=True)

    def symbolic(self, text: str) -> str:
        """The text with symbols in place of this target's ids, and of those that it did not give."""
        text = self._absent.sub(r"<\1>", text)
        pieces, begin, at = [], 0, 0
        while self._lengths and at <= len(text) - self._lengths[-1]:
            for length in self._lengths:
                symbol = self._symbol_of.get(text[at : at + length])
                if symbol is not None:
                    pieces += [text[begin:at], f"<{symbol}>"]
                    begin = at = at + length
                    break
            else:
                at += 1
        return "".join([*pieces, text[begin:]]) if pieces else text

    def concrete(self, text: str) -> str:
        """The text with this target's ids in place of symbols.

        A symbol for which the target gave no id becomes an id that does not exist.
        """
        return self._symbol.sub(lambda hit: self._id_of.get(hit[1], f"no-such-{hit[1]}"), text)


def new_id(api: Api, request: Request, answer: Answer) -> str | None:
    """The id that an answer hands out, if openapi.yaml has one there."""
    operation = api.spec.match(request.method, request.path).name
    pointer = api.spec.new_id_pointer(operation, answer.status)
    if pointer is None:
        return None
    document = parse(answer)
    found = pointed(document.value, pointer) if document.kind is Kind.JSON else None
    return found if isinstance(found, str) and found else None


def symbolic_request(request: Request, bijection: Bijection) -> Request:
    """A recorded request with symbols for the recorded ids; only paths and queries carry ids."""
    return replace(request, target=bijection.symbolic(request.target))


def concrete_request(request: Request, bijection: Bijection) -> Request:
    """A symbolic request with a target's own ids."""
    return replace(request, target=bijection.concrete(request.target))


def symbolic_answer(answer: Answer, bijection: Bijection) -> Answer:
    """An answer with its side effects, with symbols for the target's ids."""
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
