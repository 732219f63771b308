"""Sends a corpus to targets, in order, and learns the ids that each generates."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from contract.api.profile import GeneratedIds
from contract.corpus.steps import Step
from contract.errors import Inconclusive
from contract.http.messages import Answer, Effect, Request
from contract.http.placeholders import at_time
from contract.replay.identity import Bijection, concrete_request, new_id, symbolic_answer
from contract.replay.prepared import Prepared
from contract.replay.sending import Sender, check_fresh
from contract.targets.target import Target
from contract.values.documents import dump, parse
from contract.values.pointers import pointed

Progress = Callable[[int], None]
_SYMBOL: Final = re.compile(r"<\w+-\d+>")


@dataclass
class Replay:
    """The answers of one target, by step.

    `answers` have symbols for ids, `new_ids` the ids themselves. `clashes` names the earlier symbol of
    an id that was handed out twice, `left_out` the change that the target cannot make. `exact` has the
    messages as they went over the wire (with placeholders of times and keys), `second` the answers to reads
    that were sent a second time. `told` has the times of things: `<session-12>/startedAt`.
    """

    answers: dict[int, Answer] = field(default_factory=dict)
    new_ids: dict[int, str] = field(default_factory=dict)
    clashes: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    exact: dict[int, tuple[Request, Answer]] = field(default_factory=dict)
    second: dict[int, Answer] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

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
    await check_fresh(target, prepared.api.profile)
    sender = Sender(target, prepared.api)
    own = Bijection(ids)
    for group in _groups(prepared.corpus.steps):
        change = group[0].before
        if change is not None and not target.can(change):
            found.left_out |= {step.index: change for step in group}
            continue
        if change is not None:
            await target.change(change)
        sent = [concrete_request(prepared.requests[step.index], own) for step in group]
        timed = [
            concrete_request(at_time(prepared.requests[step.index], prepared.now, found.told), own)
            for step in group
        ]
        answers = list(await asyncio.gather(*map(sender.send, group, timed)))
        calls: tuple[Effect, ...] = ()
        if len(group) > 1:
            answers, calls = _aligned(answers)
        for step, request, again, answer in zip(group, sent, timed, answers, strict=True):
            handed_out = new_id(prepared.api, request, answer)
            if handed_out is not None:
                symbol = ids.symbol_of(step.index)
                own.learn(symbol, handed_out)
                found.new_ids[step.index] = handed_out
                if symbol in own.clashes:
                    found.clashes[step.index] = own.clashes[symbol]
            found.answers[step.index] = symbolic_answer(answer, own)
            found.exact[step.index] = (request, answer)
            found.told |= _told(prepared, step, answer)
            if reread and request.method == "GET":
                found.second[step.index] = symbolic_answer(await sender.send(step, again), own)
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

    Returns one replay for each target and, when targets failed, the causes; the others still go on to
    their end, so that a failure of one hides nothing of the others.
    """
    found = [Replay() for _ in targets]
    results = await asyncio.gather(
        *(
            replay(prepared, target, progress(target), into, reread=target is reread)
            for target, into in zip(targets, found, strict=True)
        ),
        return_exceptions=True,
    )
    failures = []
    for target, result, into in zip(targets, results, found, strict=True):
        if isinstance(result, Inconclusive):
            failures.append(f"{target.name}: {result}")
            _forget_silence(into)
        elif isinstance(result, BaseException):
            raise result
    return found, "; ".join(failures) or None


def _forget_silence(found: Replay) -> None:
    """Drop the last answers of a target that failed, as far as they were none: it was gone by then."""
    for step in reversed(list(found.answers)):
        if found.answers[step].status:
            return
        del found.answers[step]


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    for together, run in groupby(steps, key=lambda step: step.together):
        if together is None:
            yield from ([step] for step in run)
        else:
            yield list(run)


def _told(prepared: Prepared, step: Step, answer: Answer) -> dict[str, str]:
    """The times that an answer shows of the thing that its request names."""
    named = _SYMBOL.search(prepared.requests[step.index].path)
    places = prepared.api.spec.typed_places.get((prepared.matches[step.index].name, answer.status))
    if named is None or not places:
        return {}
    value = parse(answer).value
    found = {at: pointed(value, at) for at, kind in places.items() if kind == "moment"}
    return {f"{named[0]}{at}": text for at, text in found.items() if isinstance(text, str)}


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
