"""Sessions that a worker claims for a direct dispatch, before LiveKit offers their jobs."""

from __future__ import annotations

import pytest
from livekit.agents.job import JobAcceptArguments

from agent_runtime.domain.errors import SessionHeld, SessionOver, StoreUnavailable
from agent_runtime.domain.lease import Holder

from .offers import METADATA, Leases, Offer, Server, admission_of, new_server


@pytest.fixture
def server() -> Server:
    """A server without calls."""
    return new_server()


async def test_a_session_is_claimed_for_a_job_to_come(server: Server) -> None:
    """It counts as a call, and its job is recognised by the id under which the session was claimed."""
    leases = Leases()
    leases.dispatches = 2
    admission = admission_of(server, leases=leases)
    claimed = await admission.claim_directly("a", METADATA)
    assert claimed is not None
    assert (claimed.identity, claimed.name) == ("agent-abc.2", "agent 7")
    assert leases.claimed == [("abc", Holder(claimed.holder, "worker-one"))]
    assert admission.free_calls == 1
    server.direct = (claimed.holder,)
    assert admission.remove_vanished() == []
    server.direct = ()
    ((holder, job),) = admission.remove_vanished()
    assert (holder, job.session_id) == (claimed.holder, "abc")


async def test_a_job_whose_launch_fails_has_vanished_at_once(server: Server) -> None:
    """A failed launch does not wait for the assignment timeout."""
    admission = admission_of(server, leases=Leases())
    claimed = await admission.claim_directly("a", METADATA)
    assert claimed is not None
    assert admission.remove_vanished() == []
    with pytest.raises(RuntimeError), admission.launching(claimed):
        raise RuntimeError("no process")
    ((holder, _),) = admission.remove_vanished()
    assert (holder, admission.free_calls) == (claimed.holder, 2)


@pytest.mark.parametrize(
    "error", [SessionHeld("abc"), SessionOver("abc", "ended"), StoreUnavailable("away")]
)
async def test_a_session_that_cannot_be_claimed_is_left_to_livekit_s_offer(
    server: Server, error: Exception
) -> None:
    """After a failed claim the session counts no more."""
    admission = admission_of(server, leases=Leases(error))
    assert await admission.claim_directly("a", METADATA) is None
    assert admission.free_calls == 2


async def test_a_worker_that_should_not_have_the_session_ignores_the_notification(
    server: Server,
) -> None:
    """It claims no session that it lost while others are free, none while draining, and none without id."""
    leases = Leases(lost_by="worker-one")
    admission = admission_of(server, leases=leases)
    admission.claims.others_free = True
    assert await admission.claim_directly("a", METADATA) is None
    admission.claims.others_free = False
    admission.draining = True
    assert await admission.claim_directly("a", METADATA) is None
    admission.draining = False
    assert await admission.claim_directly("agent-7-room", "") is None
    assert await admission.claim_directly("a", "{") is None
    assert leases.claimed == []
    assert leases.refused == []
    assert admission.free_calls == 2


async def test_a_worker_that_cannot_reach_livekit_claims_nothing(server: Server) -> None:
    """It could not join the room. But it accepts an offer, which proves that LiveKit is there."""
    leases = Leases()
    admission = admission_of(server, 2, leases)
    admission.livekit_reachable = False
    assert admission.free_calls == 0
    assert await admission.claim_directly("any-room", METADATA) is None
    assert leases.claimed == []
    offer = Offer("any-room", METADATA)
    await admission.answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_session_claimed_while_the_worker_begins_to_drain_is_released(
    server: Server, is_away: bool
) -> None:
    """A draining server starts no process for it; without the database its lease expires by itself."""
    leases = Leases()
    admission = admission_of(server, leases=leases)

    def on_claim() -> None:
        admission.draining = True
        if is_away:
            leases.error = StoreUnavailable("away")

    leases.on_claim = on_claim
    assert await admission.claim_directly("a", METADATA) is None
    assert admission.jobs.current == {}
    assert [session for session, _ in leases.claimed] == ["abc"]
    assert leases.released == ([] if is_away else leases.claimed)
