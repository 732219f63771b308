"""Requests, answers, exchanges and replays that tests of several rooms build."""

from __future__ import annotations

import json
from typing import Any, Final

from contract.api.api import Api
from contract.api.request_facts import request_facts
from contract.api.world import World
from contract.corpus.steps import Corpus, Step
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.judge.exchange import Exchange, exchange
from contract.judge.material import Material

JSON: Final = (("Content-Type", "application/json"),)
HTML: Final = (("Content-Type", "text/html; charset=utf-8"),)
KEYED: Final = (("Authorization", f"Bearer {RECORDED_KEY}"),)


def request(method: str, target: str, body: Any = None, *, keyed: bool = True) -> Request:
    """A request with the recorded key, and with a JSON body if one is given."""
    headers = KEYED if keyed else ()
    if body is None:
        return Request(method, target, headers)
    return Request(method, target, (*headers, *JSON)).with_body(json.dumps(body).encode())


def answer(body: Any, status: int = 200, *, sent: float = 1.0) -> Answer:
    """An answer with a compact JSON body, one second after `sent`; None is no body at all."""
    if body is None:
        return Answer(status, (), b"", sent, sent + 1)
    text = json.dumps(body, separators=(",", ":"))
    return Answer(status, JSON, text.encode(), sent, sent + 1)


def step(index: int, sent: Request, recorded: Answer | None = None, **other: Any) -> Step:
    """A step of a scenario."""
    source = other.pop("source", "scenario/test/step")
    return Step(index, source, sent, answer({}) if recorded is None else recorded, **other)


def material(api: Api, *steps: Step) -> Material:
    """A prepared corpus without rules."""
    return Material.of(Corpus(steps, ""), api)


def exchanged(
    api: Api, sent: Request, old: Answer, new: Answer, world: World | None = None
) -> Exchange:
    """The exchange of one request; without `world` nothing happened before."""
    state = api.profile.world() if world is None else world
    facts = request_facts(sent, api)
    return exchange(step(0, sent, old), facts, (old, new), state, api, watched=False)
