"""One step with both answers, and the words in which rules and mutants speak of it.

request, path, query, body, source, together: the request (contract.api.facts.RequestFacts).
old, new: the answers: status, kind, text, body, headers.
id: the symbol of the id that this step hands out. now: the window in which the answer came.
moment(window), matching(pattern): typed values. shown_path: the path as an error shows it.
watched: whether the calls of the new services to their peer are seen.
world, and whatever else the world of the API has words for: the state before the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from contract.api.api import Api
from contract.api.facts import RequestFacts, answer_facts
from contract.api.world import World
from contract.corpus.steps import Step
from contract.http.messages import Answer
from contract.values.typed_values import Matching, Moment, Window


@dataclass(frozen=True, slots=True)
class Exchange:
    """One step with the answers of both sides; `words` hold the state before it."""

    index: int
    request: RequestFacts
    old: Answer
    new: Answer
    words: Mapping[str, Any]

    def answered(self, new: Answer) -> Exchange:
        """The same exchange with another answer of the new service."""
        return replace(self, new=new, words={**self.words, "new": answer_facts(new)})


def exchange(
    step: Step,
    request: RequestFacts,
    answers: tuple[Answer, Answer],
    world: World,
    api: Api,
    *,
    watched: bool,
) -> Exchange:
    """The exchange of a step; `answers` are the old and the new one."""
    old, new = answers
    known = {
        "request": request,
        "path": request.path,
        "query": request.query,
        "body": request.json_body,
        "source": step.source,
        "together": step.together,
        "old": answer_facts(old),
        "new": answer_facts(new),
        "id": f"<{api.profile.ids.symbol_of(step.index)}>",
        "now": Window(new.sent, new.received),
        "shown_path": _shown_path(request.target),
        "moment": Moment,
        "matching": Matching,
        "watched": watched,
    }
    words = {**known, **world.words(known, api.spec)}
    return Exchange(step.index, request, old, new, words)


def _shown_path(target: str) -> str:
    path = target.partition("?")[0]
    return unquote(path[:-1] if path.endswith("/") and path != "/" else path)
