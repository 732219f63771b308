"""Sends a corpus to targets, in order, and learns the ids that each generates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from contract.api.profile import GeneratedIds
from contract.corpus.steps import Step
from contract.errors import Inconclusive
from contract.http.messages import Answer, Effect, Request
from contract.replay.identity import Bijection, concrete_request, new_id, symbolic_answer
from contract.replay.prepared import Prepared
from contract.targets.target import Target
from contract.values.documents import dump, parse

Progress = Callable[[int], None]


@dataclass
class Replay:
    """The answers of one target, by step.

    `answers` have symbols for ids, `new_ids` the ids themselves. `clashes` names the earlier symbol of
    an id that was handed out twice, `left_out` the change that the target cannot make. `exact` has the
    messages as they went over the wire, `second` the answers to reads that were sent a second time.
    """

    answers: dict[int, Answer] = field(default_factory=dict)
    new_ids: dict[int, str] = field(default_factory=dict)
    clashes: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    exact: dict[int, tuple[Request, Answer]] = field(default_factory=dict)
    second: dict[int, Answer] = field(default_factory=dict)

    @property
    def reread(self) -> Replay:
        """The second answers to reads, as a replay."""
        return Replay(answers=self.second)


async def replay(
    prepared: Prepared,
    target: Target,
    progress: Progress = lambda _: None,
    into: Replay | None = None,
    *,
    reread: bool = False,
) -> Replay:
    """Reset the target, then send the steps one after another (those of a group at once).

    With `reread` every GET is sent twice, which shows noise where there is no second service. Raises
    Inconclusive when the target cannot be reached or does not answer; `into` then has the answers
    before that.
    """
    found = Replay() if into is None else into
    ids = prepared.api.profile.ids
    await target.reset()
    own = Bijection(ids)
    for group in _groups(prepared.corpus.steps):
        change = group[0].before
        if change is not None and not target.can(change):
            found.left_out |= {step.index: change for step in group}
            continue
        if change is not None:
            await target.change(change)
        sent = [concrete_request(prepared.requests[step.index], own) for step in group]
        answers = list(await asyncio.gather(*map(target.send, sent)))
        calls: tuple[Effect, ...] = ()
        if len(group) > 1:
            answers, calls = _aligned(answers)
        for step, request, answer in zip(group, sent, answers, strict=True):
            handed_out = new_id(prepared.api, request, answer)
            if handed_out is not None:
                symbol = ids.symbol_of(step.index)
                own.learn(symbol, handed_out)
                found.new_ids[step.index] = handed_out
                if symbol in own.clashes:
                    found.clashes[step.index] = own.clashes[symbol]
            found.answers[step.index] = symbolic_answer(answer, own)
            found.exact[step.index] = (request, answer)
            if reread and request.method == "GET":
                found.second[step.index] = symbolic_answer(await target.send(request), own)
        _add_calls(found, group, [replace(c, body=own.symbolic(c.body)) for c in calls], ids)
        progress(len(group))
    return found


async def replay_all(
    prepared: Prepared,
    targets: Sequence[Target],
    progress: Callable[[Target], Progress] = lambda _: lambda _: None,
    reread: Target | None = None,
) -> tuple[list[Replay], str | None]:
    """Replay to all targets at the same time; `reread` is the one whose reads are sent twice.

    Returns one replay for each target and, when a target failed, the cause; the others stop then too.
    """
    found = [Replay() for _ in targets]
    failure: str | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for target, into in zip(targets, found, strict=True):
                group.create_task(
                    replay(prepared, target, progress(target), into, reread=target is reread),
                    name=target.name,
                )
    except* Inconclusive as failures:
        failure = "; ".join(str(error) for error in failures.exceptions)
    return found, failure


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    for together, run in groupby(steps, key=lambda step: step.together):
        if together is None:
            yield from ([step] for step in run)
        else:
            yield list(run)


def _aligned(answers: list[Answer]) -> tuple[list[Answer], tuple[Effect, ...]]:
    """The answers of a group in the order of their content, since chance decides which request wins.

    Returns them without side effects, and the side effects of all.
    """
    ordered = sorted(answers, key=_group_order)
    calls = tuple(effect for answer in ordered for effect in answer.effects)
    return [replace(answer, effects=()) for answer in ordered], calls


def _add_calls(
    found: Replay, group: list[Step], calls: Sequence[Effect], ids: GeneratedIds
) -> None:
    """Add each call of a group to the answer whose id it names, to the last answer if to none."""
    for call in calls:
        named = [s.index for s in group if f"<{ids.symbol_of(s.index)}>" in call.body]
        step = named[0] if named else group[-1].index
        answer = found.answers[step]
        found.answers[step] = replace(answer, effects=(*answer.effects, call))


def _group_order(answer: Answer) -> tuple[int, str]:
    document = parse(answer)
    return answer.status, "" if answer.status == 200 else dump(document.value)
