"""A request and an answer in the words of the ledger's expressions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.http.messages import Answer
from contract.values.documents import Kind, parse, plain

DEEPEST: Final = 200  # levels of nesting that a body may have


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request in the words of the ledger.

    `known`: openapi.yaml has the operation; `allow`: the methods of its path. `key` is none, right or
    wrong. `body` is the parsed JSON, None when there is none or it does not parse; `json`: it parses;
    `key_twice`: some object in it has a key twice.
    `charset` and `coding`: of the body, `utf-8` and `identity` where none is given.
    `guarded`: the path needs the key. `size` and `head` count bytes. `bad_date` names the first date
    parameter that is no date of openapi.yaml, `date_twice` the first that is given twice.
    """

    operation: str
    known: bool
    allow: list[str]
    takes_body: bool
    method: str
    target: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    json: bool
    key_twice: bool
    content_type: str
    content_type_line: str
    charset: str
    coding: str
    guarded: bool
    key: str
    size: int
    head: int
    bad_date: str | None
    date_twice: str | None

    @property
    def unholdable(self) -> bool:
        """Whether the body holds what JSON or a database cannot.

        That is 1e999, a half surrogate, a key twice in an object, or more than DEEPEST levels.
        """
        return _holds_too_much(self.json_body, DEEPEST) or (
            self.key_twice and self.json_body is not None
        )

    @property
    def json_body(self) -> Any:
        """The body that both services see: None when its content type is not JSON."""
        return self.body if self.content_type == "application/json" else None


def answer_facts(answer: Answer) -> dict[str, Any]:
    """An answer in the words of the ledger: status, kind, text, body, headers."""
    document = parse(answer)
    return {
        "status": answer.status,
        "kind": str(document.kind),
        "text": document.text,
        "body": plain(document.value) if document.kind is Kind.JSON else None,
        "headers": {name.lower(): value for name, value in answer.headers},
    }


def _holds_too_much(value: Any, levels: int) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        inner = [item for pair in value.items() for item in pair]
    elif isinstance(value, list):
        inner = value
    else:
        return False
    return levels <= 0 or any(_holds_too_much(item, levels - 1) for item in inner)
