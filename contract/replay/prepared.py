"""The corpus, prepared once for all replays of a run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from contract.api.api import Api
from contract.api.specification import Match
from contract.corpus.steps import Corpus
from contract.http.messages import Request
from contract.replay.identity import Bijection, new_id, symbolic_request


@dataclass(frozen=True)
class Prepared:
    """A corpus of an API; `requests` (with symbols for ids) and their `matches` by step.

    `now`, in seconds since the epoch, is what the times of requests are relative to: the same in all
    replays of a run.
    """

    corpus: Corpus
    api: Api
    requests: Mapping[int, Request]
    matches: Mapping[int, Match]
    now: float = field(default_factory=time.time)

    @classmethod
    def of(cls, corpus: Corpus, api: Api) -> Self:
        """Prepare a corpus."""
        requests = _symbolic_requests(corpus, api)
        matches = {step: api.spec.match(r.method, r.path) for step, r in requests.items()}
        return cls(corpus, api, requests, matches)

    def only(self, indexes: Iterable[int]) -> Self:
        """The same with the steps of these indexes alone."""
        return replace(self, corpus=self.corpus.only(indexes))


def _symbolic_requests(corpus: Corpus, api: Api) -> dict[int, Request]:
    """The requests with symbols in place of the recorded ids."""
    recording = Bijection(api.profile.ids)
    found = {}
    for step in corpus.steps:
        found[step.index] = symbolic_request(step.request, recording)
        handed_out = new_id(api, step.request, step.recorded)
        if handed_out is not None:
            recording.learn(api.profile.ids.symbol_of(step.index), handed_out)
    return found
