"""Sends a corpus to one target, in order, and learns the ids that the target makes up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from contract.api.specification import Specification
from contract.corpus.frozen import Corpus, Step
from contract.http.messages import Answer, Effect, Request
from contract.replay.identity import (
    Bijection,
    concrete_request,
    new_id,
    symbol_of,
    symbolic_answer,
    symbolic_request,
)
from contract.targets.target import Target
from contract.values.documents import dump, parse

Progress = Callable[[int], None]


@dataclass
class Replay:
    """What one target answered, by step.

    `answers` have symbols for ids, `new_ids` the ids as they were, `clashes` names the earlier
    symbol of an id that was handed out twice, `left_out` the change that the target cannot make;
    `exact` holds what went over the wire. `reread`, where it was asked for, has the answers to
    reads that were sent a second time at once.
    """

    answers: dict[int, Answer] = field(default_factory=dict)
    new_ids: dict[int, str] = field(default_factory=dict)
    clashes: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    exact: dict[int, tuple[Request, Answer]] = field(default_factory=dict)
    second: dict[int, Answer] = field(default_factory=dict)

    @property
    def reread(self) -> Replay:
        """The second answers to reads, as a replay of its own."""
        return Replay(answers=self.second)


def symbolic_requests(corpus: Corpus, spec: Specification) -> dict[int, Request]:
    """The corpus' requests with symbols in place of the recording's ids, by step."""
    recording = Bijection()
    found = {}
    for step in corpus.steps:
        found[step.index] = symbolic_request(step.request, recording)
        handed_out = new_id(spec, step.request, step.recorded)
        if handed_out is not None:
            recording.learn(symbol_of(step.index), handed_out)
    return found


async def replay(
    steps: Sequence[Step],
    requests: Mapping[int, Request],
    target: Target,
    spec: Specification,
    progress: Progress = lambda _: None,
    into: Replay | None = None,
    *,
    reread: bool = False,
) -> Replay:
    """Reset the target, then send the steps one after another (those of a group at once).

    With `reread` every GET is sent twice, which shows noise where there is no second service. What
    was answered so far is in `into` also when this raises Inconclusive, because the target cannot
    be reached or does not answer.
    """
    found = Replay() if into is None else into
    await target.reset()
    own = Bijection()
    for group in _groups(steps):
        change = group[0].before
        if change is not None and not target.can(change):
            found.left_out |= {step.index: change for step in group}
            continue
        if change is not None:
            await target.change(change)
        sent = [concrete_request(requests[step.index], own) for step in group]
        answers = list(await asyncio.gather(*map(target.send, sent)))
        calls: tuple[Effect, ...] = ()
        if len(group) > 1:
            answers, calls = _aligned(answers)
        for step, request, answer in zip(group, sent, answers, strict=True):
            handed_out = new_id(spec, request, answer)
            if handed_out is not None:
                symbol = symbol_of(step.index)
                own.learn(symbol, handed_out)
                found.new_ids[step.index] = handed_out
                if symbol in own.clashes:
                    found.clashes[step.index] = own.clashes[symbol]
            found.answers[step.index] = symbolic_answer(answer, own)
            found.exact[step.index] = (request, answer)
            if reread and request.method == "GET":
                found.second[step.index] = symbolic_answer(await target.send(request), own)
        _with_calls(found, group, calls, own)
        progress(len(group))
    return found


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    for together, run in groupby(steps, key=lambda step: step.together):
        if together is None:
            yield from ([step] for step in run)
        else:
            yield list(run)


def _aligned(answers: list[Answer]) -> tuple[list[Answer], tuple[Effect, ...]]:
    """Which of a group's requests wins is chance: answers are ordered by what they say.

    Returns them without what the group made the service ask of LiveKit, and that.
    """
    ordered = sorted(answers, key=_group_order)
    calls = tuple(effect for answer in ordered for effect in answer.effects)
    return [replace(answer, effects=()) for answer in ordered], calls


def _with_calls(found: Replay, group: list[Step], calls: Sequence[Effect], own: Bijection) -> None:
    """Give each call of a group to the answer whose id it names, to the last if to none."""
    for call in calls:
        effect = Effect(call.call, own.symbolic(call.body))
        named = [s.index for s in group if f"<{symbol_of(s.index)}>" in effect.body]
        step = named[0] if named else group[-1].index
        answer = found.answers[step]
        found.answers[step] = replace(answer, effects=(*answer.effects, effect))


def _group_order(answer: Answer) -> tuple[int, str]:
    document = parse(answer)
    return answer.status, "" if answer.status == 200 else dump(document.value)
