"""Sends the requests of a replay, and tells an answer of the service from that of something in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contract.api.api import Api
from contract.api.profile import ApiProfile
from contract.corpus.steps import Step
from contract.errors import TargetMisbehaved, TargetUnreachable, WrongTarget
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.targets.target import Target
from contract.values.documents import Kind, parse, parse_json

# A connection that closes is an answer to compare; so many in a row are a service that is gone.
_MOST_SILENT: Final = 5
# What rate limits and gateways say; a service's own words come as a JSON object.
_IN_FRONT: Final = frozenset({429, 502, 504})
_CLOSED: Final = b"no answer: the connection closed, or what came was no HTTP"
_HUNG: Final = b"no answer within the time"
_KEYED: Final = (("Authorization", f"Bearer {RECORDED_KEY}"),)


@dataclass
class Sender:
    """Sends to one target; remembers how many requests in a row had no answer."""

    target: Target
    api: Api
    _silent: int = 0

    async def send(self, step: Step, request: Request) -> Answer:
        """The answer; one of status 0 where the connection closed, or broke, without any.

        Raises TargetUnreachable when nobody listens, TargetMisbehaved when the target stays silent, or
        when a proxy answers in its place. The message names the step.
        """
        where = f"at step {step.index} ({step.source})"
        try:
            answer = await self.target.send(request)
        except TargetUnreachable as error:
            raise TargetUnreachable(f"{where}: {error}") from error
        except TargetMisbehaved as error:
            self._silent += 1
            if self._silent >= _MOST_SILENT:
                raise TargetMisbehaved(f"{where}, and {_MOST_SILENT} times: {error}") from error
            # The words stay the same for every address, since the old service may be silent as well.
            return Answer(0, (), _HUNG if "hung" in str(error) else _CLOSED)
        self._silent = 0
        if answer.status in _IN_FRONT and not self._is_own(answer):
            raise TargetMisbehaved(
                f"{where}: {answer.status} is no answer of a service but of something in front of "
                f"it, a rate limit or a gateway: {answer.text[:120]!r}; take it out of the way"
            )
        return answer

    def _is_own(self, answer: Answer) -> bool:
        """Whether an answer has the form of the service's own errors."""
        document = parse(answer)
        return document.kind is Kind.JSON and isinstance(document.value, dict)


async def check_fresh(target: Target, profile: ApiProfile) -> None:
    """Raises WrongTarget when a target is not as new, which every replay begins with."""
    if profile.fresh is None:
        return
    can = target.can("reset")
    when = "right after its reset" if can else "before the first request"
    remedy = (
        "the reset command does nothing, or too little"
        if can
        else "give a reset command, or start with a fresh service"
    )
    try:
        answer = await target.send(Request("GET", profile.fresh.path, _KEYED))
    except (TargetUnreachable, TargetMisbehaved) as error:
        raise type(error)(
            f"{when} it does not answer ({error}): a reset command must return only when the "
            "service answers again"
        ) from error
    if answer.status != profile.fresh.status or not _same(answer.text, profile.fresh.body):
        raise WrongTarget(
            f"it is not fresh {when}: GET {profile.fresh.path} answers {answer.status} "
            f"{answer.text[:120]}, not {profile.fresh.body.decode()}: {remedy}"
        )


def _same(text: str, wanted: bytes) -> bool:
    try:
        return parse_json(text) == parse_json(wanted.decode())
    except ValueError:
        return False
