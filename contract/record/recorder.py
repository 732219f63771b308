"""Sends valid requests and their variants to the old service, each followed by reads of what it did."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from contract.api.api import Api
from contract.api.profile import Example, Examples
from contract.corpus.steps import Step
from contract.errors import BrokenInput
from contract.http.messages import RECORDED_KEY, Request
from contract.http.placeholders import at_time
from contract.record.bounds import bounds
from contract.record.mutators import variants
from contract.record.probes import probes
from contract.replay.identity import new_id
from contract.targets.http_target import HttpTarget
from contract.values.documents import parse_json, plain

_KEYED: Final = (("Authorization", f"Bearer {RECORDED_KEY}"), ("Accept", "*/*"))
_SEPARATE: Final = 111_111_111  # nine digits; each in turn gets every value


@dataclass
class Recorder:
    """The steps so far (`found`, with indexes from `first`) and the ids that the set-up was given."""

    old: HttpTarget
    api: Api
    first: int
    found: list[Step] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    _setup: tuple[Example, ...] = ()

    async def take(self, source: str, request: Request) -> Step:
        """Send one request and keep it."""
        answer = await self.old.send(at_time(request, 0.0, {}))
        step = Step(self.first + len(self.found), source, request, answer)
        self.found.append(step)
        return step

    async def set_up(self, setup: Sequence[Example]) -> None:
        """Send the set-up requests and keep the ids that they are given."""
        self._setup = tuple(setup)
        for example in setup:
            step = await self.take(f"mutator/setup/{example.name}", self._request(example))
            handed_out = new_id(self.api, step.request, step.recorded)
            if handed_out is not None:
                self.ids.append(handed_out)

    async def example(self, example: Example) -> None:
        """A valid request, all its variants with their reads, and the valid request once more."""
        request = self._request(example)
        spec, profile = self.api.spec, self.api.profile
        match = spec.match(request.method, request.path)
        await self.take(f"mutator/{example.name}/valid", request)
        await self._read(example, self.found[-1])
        listed = probes(
            request,
            list(match.path),
            match.path,
            spec.dates_of(match.name),
            whole=example.name in profile.examples.probed,
        )
        limits = ((f"bounds/{name}", made) for name, made in bounds(request, spec, match.name))
        given = variants(request, spec.date_parameters, profile.large_body)
        renewed = request.target
        for name, variant in itertools.chain(given, listed, limits):
            if example.renew is not None and self._was_used_up(example):
                renewed = await self._renew(example, request.target)
            target = variant.target.replace(request.target, renewed, 1)
            moved = Request(variant.method, target, variant.headers, variant.body)
            step = await self.take(f"mutator/{example.name}/{name}", moved)
            await self._read(example, step)
        await self.take(f"mutator/{example.name}/valid-after", request)

    async def many(self, examples: Examples) -> None:
        """Generated ids and given numbers by the hundred, each read."""
        if examples.many is not None:
            for _ in range(examples.times):
                step = await self.take("many/generated", self._request(examples.many))
                await self._read(examples.many, step)
        if examples.numbered is not None:
            body = dict(examples.numbered.body or {})
            for number in _numbers():
                changed = {**body, **dict.fromkeys(examples.fields, number)}
                request = self._request(examples.numbered).with_body(json.dumps(changed).encode())
                step = await self.take("many/numbered", request)
                await self._read(examples.numbered, step)

    def path_values(self, valid: Sequence[Example]) -> dict[str, str]:
        """Valid values of the parameters of paths."""
        found: dict[str, str] = {}
        for example in valid:
            request = self._request(example)
            found |= self.api.spec.match(request.method, request.path).path
        return found

    async def _read(self, example: Example, step: Step) -> None:
        """The reads that show what an accepted request did."""
        if step.recorded.status != 200 or step.request.method != example.method:
            return
        if "/bounds/" in step.source and not any(word in step.source for word in example.shown):
            return  # no read shows that part of the body
        words = self._words(step)
        for target in example.reads:
            try:
                filled = target.format(**words)
            except KeyError:
                continue
            await self.take(f"{step.source}/read", Request("GET", filled, _KEYED))

    def _words(self, step: Step) -> dict[str, str]:
        match = self.api.spec.match(step.request.method, step.request.path)
        words = {name: quote(value, safe="") for name, value in match.path.items()}
        body = _body(step.request)
        for name, value in body.items():
            if name.isidentifier() and isinstance(value, int | float | str):
                words[name] = quote(_shown(value), safe="", errors="replace")
        handed_out = new_id(self.api, step.request, step.recorded)
        return words if handed_out is None else {**words, "id": handed_out}

    def _was_used_up(self, example: Example) -> bool:
        """Whether a request since the last renewal, or ever, may have used up the example's thing."""
        for step in reversed(self.found):
            if "/renew/" in step.source:
                return False
            if step.request.method == example.method and step.recorded.status == 200:
                return True
            if step.request.method == example.method and step.source.endswith("/valid"):
                return True
        return False

    async def _renew(self, example: Example, target: str) -> str:
        """Make the thing of an example again; its target with the new id, if there is one."""
        made = next(one for one in self._setup if one.name == example.renew)
        step = await self.take(f"mutator/{example.name}/renew/{made.name}", self._request(made))
        handed_out = new_id(self.api, step.request, step.recorded)
        if handed_out is None:
            return target
        for earlier in self.ids:
            target = target.replace(earlier, handed_out)
        return target

    def _request(self, example: Example) -> Request:
        try:
            target = example.target.format(*self.ids)
        except IndexError as error:
            raise BrokenInput(
                f"example {example.name} needs more ids than the {len(self.ids)} that the set-up "
                "handed out"
            ) from error
        length = (("Content-Length", "0"),) if example.method == "POST" else ()
        request = Request(example.method, target, _KEYED + length)
        if example.body is None:
            return request
        typed = request.with_header("Content-Type", "application/json")
        return typed.with_body(json.dumps(example.body).encode())


def _body(request: Request) -> dict[str, Any]:
    try:
        found = plain(parse_json(request.body.decode(), keys_twice=True))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _numbers() -> Iterator[int]:
    """Numbers with every digit in every place, and those beside the powers of two."""
    found = dict.fromkeys(range(1, 13))
    text = str(_SEPARATE)
    for place in range(len(text)):
        for digit in "0123456789":
            number = text[:place] + digit + text[place + 1 :]
            if not number.startswith("0"):
                found[int(number)] = None
    for power in range(4, 32):
        found |= dict.fromkeys((2**power - 1, min(2**power, 2**31 - 1)))
    return iter(found)
