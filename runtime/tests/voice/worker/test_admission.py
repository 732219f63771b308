"""Which offered jobs a worker accepts, and the load that it reports to LiveKit."""

from __future__ import annotations

import logging
import re
from typing import cast

import pytest
from livekit.agents.job import JobAcceptArguments

from agent_runtime.domain.errors import SessionHeld, SessionOver, StoreUnavailable
from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.agents import TextIdRegistry
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.domain.session import session_of
from agent_runtime.voice.jobs.metadata import UNCLAIMED

from .offers import METADATA, AwayTextIds, Clock, Leases, Offer, Server, admission_of, new_server

TARGET_LOAD = 0.7  # livekit-server's agents.target_load, from which it skips a worker


@pytest.fixture
def server() -> Server:
    """A server without calls."""
    return new_server()


async def test_a_session_s_job_is_accepted_under_its_identity(server: Server) -> None:
    """The agent joins as "agent-" and the session's id, by which the API finds it in the room."""
    offer = Offer("any-room", METADATA)
    await admission_of(server).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.identity == "agent-abc"


async def test_each_automatic_job_gets_an_identity_of_its_own(server: Server) -> None:
    """Two jobs for the same room name are two sessions; their ids have the form of all session ids."""
    identities = set()
    for _ in range(2):
        offer = Offer("agent-7-room")
        await admission_of(server).answer(offer.request)
        assert isinstance(offer.answer, JobAcceptArguments)
        assert re.fullmatch(r"agent-[A-Za-z0-9_-]{21}", offer.answer.identity)
        identities.add(offer.answer.identity)
    assert len(identities) == 2


@pytest.mark.parametrize(
    ("room", "metadata", "reason"),
    [
        ("lobby", "", "'lobby' is not named agent-<id>-room"),
        ("agent-0-room", "", "is not named"),
        ("agent-7-room", "{", "metadata is not JSON"),
        ("lobby", '{"agentId": "x y"}', "agentId must be an integer"),
        (
            "lobby",
            '{"agent_id": "front_desk"}',
            "Agent front_desk is unknown: no agent was imported",
        ),
        ("agent-front_desk-room", "", "Agent front_desk is unknown"),
    ],
)
async def test_a_job_that_names_no_agent_is_refused_for_good(
    server: Server, caplog: pytest.LogCaptureFixture, room: str, metadata: str, reason: str
) -> None:
    """No other worker would accept it either; the log has the reason and the room."""
    offer = Offer(room, metadata)
    with caplog.at_level(logging.INFO):
        await admission_of(server).answer(offer.request)
    assert offer.answer is True
    (record,) = [record for record in caplog.records if "job refused" in record.message]
    assert reason in record.message
    assert vars(record)["room"] == room


@pytest.mark.parametrize(
    ("room", "metadata"),
    [
        ("lobby", '{"agent_id": "clinic"}'),
        ("agent-clinic-room", ""),
        ("agent-clinic-room_+4_x", ""),
    ],
)
async def test_an_agent_may_be_named_by_its_text_id(
    server: Server, room: str, metadata: str
) -> None:
    """A job for an imported agent is accepted, whether metadata or room have its text id."""
    offer = Offer(room, metadata)
    await admission_of(server).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.name == "agent clinic"


async def test_a_text_id_is_looked_up_again_by_the_job_while_the_database_is_away(
    server: Server,
) -> None:
    """The job is accepted: the database may be back when it starts."""
    admission = admission_of(server)
    admission.text_ids = cast("TextIdRegistry", AwayTextIds())
    offer = Offer("agent-clinic-room")
    await admission.answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)


async def test_a_full_worker_leaves_the_job_to_another(server: Server) -> None:
    """At the limit of calls a job is refused, but not for good."""
    admission = admission_of(server, 2)
    for _ in range(2):
        await admission.answer(Offer("agent-7-room").request)
    offer = Offer("agent-7-room")
    await admission.answer(offer.request)
    assert offer.answer is False
    assert admission.free_calls == 0


async def test_a_refused_dispatch_is_recorded(server: Server) -> None:
    """A full worker marks the session's dispatch as refused, so that the API need not wait for it."""
    leases = Leases()
    admission = admission_of(server, 1, leases)
    for session in ("abc", "def"):
        await admission.answer(Offer("a", JobTarget(7, session, 3).to_metadata()).request)
    assert leases.refused == ["def"]


async def test_the_load_grows_with_the_calls_and_stays_below_the_target(server: Server) -> None:
    """The load tells workers apart, from 0 to below the load from which LiveKit skips a worker."""
    admission = admission_of(server, 4)
    loads = [admission.load(server)]
    for _ in range(4):
        await admission.answer(Offer("agent-7-room").request)
        loads.append(admission.load(server))
    assert loads[0] == 0
    assert loads == sorted(set(loads))
    assert max(loads) < TARGET_LOAD


async def test_a_session_is_claimed_before_its_job_is_accepted(server: Server) -> None:
    """The lease names job and worker, and the job is not asked to claim the session again."""
    leases = Leases()
    offer = Offer("any-room", METADATA)
    await admission_of(server, leases=leases).answer(offer.request)
    assert leases.claimed == [("abc", Holder(offer.request.id, "worker-one"))]
    assert isinstance(offer.answer, JobAcceptArguments)
    assert not offer.answer.attributes


async def test_a_claim_names_the_dispatch_that_brought_the_job(server: Server) -> None:
    """The lease store can refuse a job whose dispatch was followed by another one."""
    leases = Leases()
    offer = Offer("any-room", JobTarget(7, "abc", 3, dispatch=4).to_metadata())
    await admission_of(server, leases=leases).answer(offer.request)
    ((_, holder),) = leases.claimed
    assert holder.dispatch == 4


async def test_an_agent_that_follows_another_has_an_identity_of_its_own(server: Server) -> None:
    """LiveKit ends the job whose identity leaves the room, so a successor must not have the same one."""
    leases = Leases()
    leases.dispatches = 3
    offer = Offer("any-room", METADATA)
    await admission_of(server, leases=leases).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.identity == "agent-abc.3"
    assert session_of(offer.answer.identity) == "abc"


@pytest.mark.parametrize("error", [SessionHeld("abc"), SessionOver("abc", "ended")])
async def test_a_session_that_is_held_or_over_is_refused_for_good(
    server: Server, error: Exception
) -> None:
    """No process starts for a session that has its agent, or needs none; its call is free again."""
    admission = admission_of(server, leases=Leases(error))
    offer = Offer("any-room", METADATA)
    await admission.answer(offer.request)
    assert offer.answer is True
    assert admission.free_calls == 2


async def test_a_job_is_accepted_while_the_database_is_unavailable(server: Server) -> None:
    """The job is marked as unclaimed: it claims the session itself, and must not join before."""
    offer = Offer("any-room", METADATA)
    await admission_of(server, leases=Leases(StoreUnavailable("away"))).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.attributes == {UNCLAIMED: "true"}


async def test_an_unclaimed_job_has_its_dispatch_in_its_identity(server: Server) -> None:
    """The job claims the session later, and must not have the identity of an earlier one."""
    leases = Leases(StoreUnavailable("away"))
    offer = Offer("any-room", JobTarget(7, "abc", 3, dispatch=4).to_metadata())
    await admission_of(server, leases=leases).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.identity == "agent-abc.4"


@pytest.mark.parametrize("error", [None, SessionHeld("abc")], ids=["claimed", "held"])
async def test_a_claim_may_outlast_the_assignment_timeout(
    server: Server, error: Exception | None
) -> None:
    """A job that timed out during its claim counts when it is accepted, and is forgotten when not."""
    clock = Clock()
    admission = admission_of(server, clock=clock)

    class Slow(Leases):
        async def claim(self, session_id: str, holder: Holder) -> int:
            clock.now += 60
            assert [job for job, _ in admission.remove_vanished()] == [holder.job]
            return await super().claim(session_id, holder)

    admission.claims.leases = cast("LeaseStore", Slow(error))
    offer = Offer("any-room", METADATA)
    await admission.answer(offer.request)
    assert list(admission.jobs.current) == ([] if error else [offer.request.id])


async def test_a_session_lost_here_is_left_to_others_once(server: Server) -> None:
    """A worker that lost a session's agent refuses its next job if another is free; then it accepts."""
    admission = admission_of(server, leases=Leases(lost_by="worker-one"))
    admission.claims.others_free = True
    first, second = Offer("a", METADATA), Offer("a", METADATA)
    await admission.answer(first.request)
    assert first.answer is False
    await admission.answer(second.request)
    assert isinstance(second.answer, JobAcceptArguments)


async def test_a_worker_with_calls_gives_others_a_head_start(server: Server) -> None:
    """The head start is the share of calls in use, and none when no other worker is free."""
    admission = admission_of(server, 2)
    await admission.answer(Offer("agent-7-room").request)
    assert admission.head_start == 0
    admission.claims.others_free = True
    assert admission.head_start == 0.5
