"""Replays to targets: ids, groups, changes, failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from contract.api.api import Api
from contract.corpus.steps import Corpus, Step
from contract.errors import TargetMisbehaved, TargetUnreachable
from contract.http.messages import Answer, Effect, Request
from contract.replay.prepared import Prepared
from contract.replay.replay import replay, replay_all
from contract.tests.another_api.lockers import PROFILE

JSON = (("Content-Type", "application/json"),)
RECORDED = '{"receipt":{"code":"recorded-000"}}'


@dataclass
class Scripted:
    """A target whose answers a function gives, with a journal."""

    answer: Callable[[Request, int], Answer]
    name: str = "scripted"
    abilities: tuple[str, ...] = ()
    sent: list[str] = field(default_factory=list)
    watched: bool = True

    async def reset(self) -> None:
        """Write it down."""
        self.sent.append("reset")

    async def change(self, what: str) -> None:
        """Write it down."""
        self.sent.append(what)

    def can(self, what: str) -> bool:
        """Whether it is among the abilities."""
        return what in self.abilities

    async def send(self, request: Request) -> Answer:
        """Answer by the script."""
        self.sent.append(f"{request.method} {request.target}")
        await asyncio.sleep(0)
        return self.answer(request, len(self.sent))


def store(index: int, recorded: str = RECORDED, together: str | None = None) -> Step:
    """A step that stores a parcel."""
    answer = Answer(200, JSON, recorded.encode())
    return Step(index, "scenario/x/store", Request("POST", "/parcels", ()), answer, together)


def read(index: int, before: str | None = None) -> Step:
    """A step that reads the parcel of the recording."""
    request = Request("GET", "/parcels/recorded-000", ())
    return Step(index, "scenario/x/read", request, Answer(200, JSON, b"{}"), None, before)


def prepared(*steps: Step) -> Prepared:
    """A prepared corpus of the lockers."""
    return Prepared.of(Corpus(steps, ""), Api.load(PROFILE))


def stored(code: str) -> Answer:
    """The answer to a stored parcel."""
    body = json.dumps({"receipt": {"code": code}}, separators=(",", ":"))
    return Answer(200, JSON, body.encode(), effects=(Effect("Open", f'"{code}"'),))


async def test_recorded_ids_become_the_targets_own() -> None:
    """A later request carries the id that this target handed out; answers show the symbol."""
    target = Scripted(
        lambda r, _: (
            stored("own-code-123")
            if r.method == "POST"
            else Answer(200, JSON, b'{"code":"own-code-123"}')
        )
    )
    found = await replay(prepared(store(0), read(1)), target)
    assert target.sent == ["reset", "POST /parcels", "GET /parcels/own-code-123"]
    assert found.new_ids == {0: "own-code-123"}
    assert found.answers[1].body == b'{"code":"<parcel-0>"}'
    assert found.answers[0].effects == (Effect("Open", '"<parcel-0>"'),)
    assert found.exact[1][1].body == b'{"code":"own-code-123"}'


async def test_an_id_that_was_never_handed_out_points_nowhere() -> None:
    """When a target refuses what the recording shows, later requests ask for an unknown id."""
    target = Scripted(lambda *_: Answer(400, JSON, b"{}"))
    await replay(prepared(store(0), read(1)), target)
    assert target.sent[-1] == "GET /parcels/no-such-parcel-0"


async def test_an_id_given_twice_is_a_clash() -> None:
    """The second step names the first symbol of the same id."""
    second = store(1, RECORDED.replace("000", "111"))
    found = await replay(prepared(store(0), second), Scripted(lambda *_: stored("same-code-00")))
    assert found.clashes == {1: "parcel-0"}


async def test_changes_come_first_or_leave_the_step_out() -> None:
    """A change that the target cannot make leaves out its step alone, with the change as reason."""
    steps = prepared(read(0, before="restart"), read(1))
    able = Scripted(lambda *_: Answer(200, JSON, b"{}"), abilities=("restart",))
    assert (await replay(steps, able)).left_out == {}
    assert able.sent[:2] == ["reset", "restart"]
    unable = Scripted(lambda *_: Answer(200, JSON, b"{}"))
    found = await replay(steps, unable)
    assert (found.left_out, list(found.answers)) == ({0: "restart"}, [1])


async def test_a_group_is_sent_at_once_and_ordered_by_content() -> None:
    """Whichever request wins, the answers of a group align: successes first, refusals by their text."""
    group = [store(n, RECORDED.replace("000", f"00{n}"), "rush") for n in range(3)]
    running = 0
    most = 0

    async def send(request: Request) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        target.sent.append(request.method)
        texts = {1: b'{"error":"b"}', 2: b'{"error":"a"}'}
        number = len(target.sent) - 1
        return Answer(400, JSON, texts[number]) if number in texts else stored("winner-code0")

    target = Scripted(lambda *_: Answer(500, (), b""))
    target.send = send  # type: ignore[method-assign]
    found = await replay(prepared(*group), target)
    assert most == 3
    assert [found.answers[n].text for n in range(3)] == [
        '{"receipt":{"code":"<parcel-0>"}}',
        '{"error":"a"}',
        '{"error":"b"}',
    ]
    # The call of the group belongs to the answer whose id it names.
    assert [len(found.answers[n].effects) for n in range(3)] == [1, 0, 0]


async def test_reads_can_be_sent_twice() -> None:
    """`reread` sends every GET a second time and nothing else."""
    target = Scripted(lambda _, count: Answer(200, JSON, str(count).encode()))
    found = await replay(prepared(store(0), read(1)), target, reread=True)
    assert list(found.reread.answers) == [1]
    assert found.reread.answers[1].body != found.answers[1].body
    assert len(target.sent) == 4


async def test_progress_counts_sent_steps() -> None:
    """Progress gets the size of each group."""
    counts: list[int] = []
    group = [store(n, RECORDED.replace("000", f"00{n}"), "rush") for n in range(2)]
    target = Scripted(lambda *_: Answer(400, JSON, b"{}"))
    await replay(prepared(*group, read(2)), target, counts.append)
    assert counts == [2, 1]


async def test_a_failing_target_hides_nothing_of_the_others() -> None:
    """The cause is returned with the step; answers before it stay, and the others go on to their end."""

    def fails(_: Request, count: int) -> Answer:
        if count > 2:
            raise TargetUnreachable("it is gone")
        return Answer(200, JSON, b"{}")

    steps = prepared(read(0), read(1))
    good = Scripted(lambda *_: Answer(200, JSON, b"{}"), name="good")
    found, failure = await replay_all(steps, [good, Scripted(fails, name="bad")])
    assert failure == "bad: at step 1 (scenario/x/read): it is gone"
    assert list(found[1].answers) == [0]
    assert list(found[0].answers) == [0, 1]


async def test_a_closed_connection_is_an_answer_to_compare() -> None:
    """One request without an answer is a difference of that step, and the replay goes on."""

    def closes(_: Request, count: int) -> Answer:
        if count == 3:
            raise TargetMisbehaved("it closed the connection")
        return Answer(200, JSON, b"{}")

    steps = prepared(read(0), read(1), read(2))
    found, failure = await replay_all(steps, [Scripted(closes, name="new")])
    assert failure is None
    assert [answer.status for answer in found[0].answers.values()] == [200, 0, 200]


async def test_a_target_that_stays_silent_is_given_up() -> None:
    """After five requests without an answer the replay ends, and these answers are forgotten."""

    def hangs(_: Request, count: int) -> Answer:
        if count > 2:
            raise TargetMisbehaved("it hung")
        return Answer(200, JSON, b"{}")

    steps = prepared(*(read(n) for n in range(9)))
    found, failure = await replay_all(steps, [Scripted(hangs, name="new")])
    assert failure == "new: at step 5 (scenario/x/read), and 5 times: it hung"
    assert list(found[0].answers) == [0]


@pytest.mark.parametrize(
    ("status", "body", "own"),
    [
        (429, b"slow down", False),
        (502, b"<h1>Bad Gateway</h1>", False),
        (429, b'{"error":"full"}', True),
    ],
)
async def test_what_stands_in_front_of_a_service_does_not_answer_for_it(
    status: int, body: bytes, own: bool
) -> None:
    """A rate limit or a gateway spoils the proof; the same status in the form of an error is compared."""
    target = Scripted(lambda *_: Answer(status, JSON if own else (), body), name="new")
    found, failure = await replay_all(prepared(read(0)), [target])
    if own:
        assert (failure, found[0].answers[0].status) == (None, status)
    else:
        assert failure is not None
        assert f"at step 0 (scenario/x/read): {status} is no answer of a service" in failure


def test_only_some_steps_keep_their_indexes() -> None:
    """A part of a corpus has the same requests under the same numbers."""
    part = prepared(store(0), read(1), read(2)).only([2])
    assert [step.index for step in part.corpus.steps] == [2]
    assert part.requests[2].target == "/parcels/<parcel-0>"
