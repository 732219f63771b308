"""Which jobs a worker takes, under which name, and what it tells LiveKit about its load."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import cast

import pytest
from livekit.agents.job import JobAcceptArguments

from agent_runtime.domain.errors import SessionHeld, SessionOver, StoreUnavailable
from agent_runtime.domain.job import JobTarget
from agent_runtime.domain.lease import Holder
from agent_runtime.domain.ports.sessions import LeaseStore
from agent_runtime.domain.session import session_of
from agent_runtime.voice.jobs.metadata import UNCLAIMED
from agent_runtime.voice.machine.pressure import Pressure, PressureGauge, recent_pressure
from agent_runtime.voice.worker.admission import Admission

from .offers import METADATA, Clock, Leases, Offer, Server, admission_of

TARGET_LOAD = 0.7  # livekit-server's agents.target_load: from there on it skips a worker


@pytest.fixture
def server() -> Server:
    """A server without calls."""
    return Server(ws_url="ws://127.0.0.1:1", api_key="key", api_secret="secret")


async def test_a_session_s_job_is_taken_under_its_identity(server: Server) -> None:
    """The API finds the agent in the room by the session's id."""
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await admission_of(server, 2).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.identity == "agent-abc"


async def test_automatic_jobs_get_an_identity_each(server: Server) -> None:
    """Two jobs by room name are two sessions; each id has the form of every other session id."""
    identities = set()
    for _ in range(2):
        offer = Offer("agent-7-room")
        await admission_of(server, 2).answer(offer.request)
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
        ("lobby", '{"agentId": "x"}', "agentId must be an integer"),
    ],
)
async def test_what_is_not_ours_is_refused_for_good(
    server: Server, caplog: pytest.LogCaptureFixture, room: str, metadata: str, reason: str
) -> None:
    """No other worker of ours would take it either; the log says why, and names the room."""
    offer = Offer(room, metadata)
    with caplog.at_level(logging.INFO):
        await admission_of(server, 2).answer(offer.request)
    assert offer.answer is True
    (record,) = [record for record in caplog.records if "job refused" in record.message]
    assert reason in record.message
    assert vars(record)["room"] == room


async def test_a_worker_that_is_cut_off_from_livekit_claims_nothing(server: Server) -> None:
    """It could not join the room. An offer of LiveKit's shows that it can, and is taken."""
    leases = Leases()
    admission = admission_of(server, 2, leases)
    admission.cut_off = True
    assert admission.free == 0
    assert await admission.claim_unoffered("any-room", METADATA) is None
    assert leases.claimed == []
    offer = Offer("any-room", METADATA)
    await admission.answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)


async def test_a_full_worker_leaves_the_job_to_another(server: Server) -> None:
    """At the limit the job is refused, but not for good."""
    admission = admission_of(server, 2)
    for _ in range(2):
        await admission.answer(Offer("agent-7-room").request)
    offer = Offer("agent-7-room")
    await admission.answer(offer.request)
    assert offer.answer is False
    assert admission.free == 0


async def test_the_load_grows_and_never_makes_the_server_skip_us(server: Server) -> None:
    """It tells workers apart, from 0 to below the server's limit."""
    admission = admission_of(server, 4)
    loads = [admission.load(server)]
    for _ in range(4):
        await admission.answer(Offer("agent-7-room").request)
        loads.append(admission.load(server))
    assert loads[0] == 0
    assert loads == sorted(set(loads))
    assert max(loads) < TARGET_LOAD


async def test_a_session_is_claimed_before_its_job_is_taken(server: Server) -> None:
    """Whoever watches sees at once that somebody comes."""
    leases = Leases()
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await admission_of(server, leases=leases).answer(offer.request)
    assert leases.claimed == [("abc", Holder(offer.request.id, "worker-one"))]
    assert isinstance(offer.answer, JobAcceptArguments)
    assert not offer.answer.attributes


async def test_a_session_that_was_rung_for_is_claimed_for_a_job_to_come(server: Server) -> None:
    """It takes a place like any other, and is seen in its job under the id that it was claimed with."""
    leases = Leases()
    leases.dispatches = 2
    admission = admission_of(server, leases=leases)
    claimed = await admission.claim_unoffered("a", JobTarget(7, "abc", 3).to_metadata())
    assert claimed is not None
    assert (claimed.identity, claimed.name) == ("agent-abc.2", "agent 7")
    assert leases.claimed == [("abc", Holder(claimed.holder, "worker-one"))]
    assert admission.free == 1
    server.unoffered = (claimed.holder,)
    assert admission.vanished() == []
    server.unoffered = ()
    ((holder, taken),) = admission.vanished()
    assert (holder, taken.session_id) == (claimed.holder, "abc")


async def test_a_session_whose_launch_failed_is_missed_at_once(server: Server) -> None:
    """Not only when an assignment of LiveKit's would have been late."""
    admission = admission_of(server, leases=Leases())
    claimed = await admission.claim_unoffered("a", JobTarget(7, "abc", 3).to_metadata())
    assert claimed is not None
    assert admission.vanished() == []
    with pytest.raises(RuntimeError), admission.launching(claimed):
        raise RuntimeError("no process")
    ((holder, _),) = admission.vanished()
    assert (holder, admission.free) == (claimed.holder, 2)


@pytest.mark.parametrize(
    "error", [SessionHeld("abc"), SessionOver("abc", "ended"), StoreUnavailable("away")]
)
async def test_what_cannot_be_claimed_is_left_to_livekit_s_offer(
    server: Server, error: Exception
) -> None:
    """Its place is free again."""
    admission = admission_of(server, leases=Leases(error))
    assert await admission.claim_unoffered("a", JobTarget(7, "abc", 3).to_metadata()) is None
    assert admission.free == 2


async def test_a_ring_is_not_heard_by_whoever_should_not_have_the_session(server: Server) -> None:
    """One that lost it while another is free, one that is full or leaving; nor without a session."""
    metadata = JobTarget(7, "abc", 3).to_metadata()
    leases = Leases(lost_by="worker-one")
    admission = admission_of(server, leases=leases)
    admission.others_free = True
    assert await admission.claim_unoffered("a", metadata) is None
    admission.others_free = False
    admission.draining = True
    assert await admission.claim_unoffered("a", metadata) is None
    admission.draining = False
    assert await admission.claim_unoffered("agent-7-room", "") is None
    assert await admission.claim_unoffered("a", "{") is None
    assert leases.claimed == []
    assert leases.waiting == []
    assert admission.free == 2


async def test_the_emptier_worker_hears_first(server: Server) -> None:
    """One that has calls already lets others go first, if there are any."""
    admission = admission_of(server, 2)
    await admission.answer(Offer("agent-7-room").request)
    assert admission.manners == 0
    admission.others_free = True
    assert admission.manners == 0.5


async def test_a_claim_says_which_dispatch_brought_the_job(server: Server) -> None:
    """So that it comes too late when another was asked for since."""
    leases = Leases()
    offer = Offer("any-room", JobTarget(7, "abc", 3, dispatch=4).to_metadata())
    await admission_of(server, leases=leases).answer(offer.request)
    ((_, holder),) = leases.claimed
    assert holder.dispatch == 4


async def test_the_number_is_in_the_name_also_without_a_database(server: Server) -> None:
    """The job claims the session itself, later, and must not have the name of an earlier one."""
    leases = Leases(StoreUnavailable("away"))
    offer = Offer("any-room", JobTarget(7, "abc", 3, dispatch=4).to_metadata())
    await admission_of(server, leases=leases).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.identity == "agent-abc.4"


@pytest.mark.parametrize("error", [None, SessionHeld("abc")], ids=["taken", "refused"])
async def test_a_claim_may_take_longer_than_a_job_on_its_way(
    server: Server, error: Exception | None
) -> None:
    """The job counts when it is taken after all, and nothing breaks when it is not."""
    clock = Clock()
    admission = admission_of(server, clock=clock)

    class Slow(Leases):
        async def claim(self, session_id: str, holder: Holder) -> int:
            clock.now += 60
            assert [job for job, _ in admission.vanished()] == [holder.job]
            return await super().claim(session_id, holder)

    admission.leases = cast("LeaseStore", Slow(error))
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await admission.answer(offer.request)
    assert list(admission.taken) == ([] if error else [offer.request.id])


async def test_an_agent_that_follows_another_has_a_name_of_its_own(server: Server) -> None:
    """LiveKit ends the job that has the name of whoever leaves: not the new one's."""
    leases = Leases()
    leases.dispatches = 3
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await admission_of(server, leases=leases).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.identity == "agent-abc.3"
    assert session_of(offer.answer.identity) == "abc"


@pytest.mark.parametrize("error", [SessionHeld("abc"), SessionOver("abc", "ended")])
async def test_a_session_of_another_job_is_refused_for_good(
    server: Server, error: Exception
) -> None:
    """Nobody starts a process for a session that has its agent, or needs none."""
    admission = admission_of(server, leases=Leases(error))
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await admission.answer(offer.request)
    assert offer.answer is True
    assert admission.free == 2


async def test_without_the_database_a_job_is_taken(server: Server) -> None:
    """It may be back when the job starts, which claims the session itself."""
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await admission_of(server, leases=Leases(StoreUnavailable("away"))).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    # And says so to the job, which must not join before.
    assert offer.answer.attributes == {UNCLAIMED: "true"}


async def test_a_refusal_is_told(server: Server) -> None:
    """The session waits; nobody has to find that out by waiting too."""
    admission, leases = admission_of(server, 1, Leases()), Leases()
    admission.leases = cast("LeaseStore", leases)
    for session in ("abc", "def"):
        await admission.answer(Offer("a", JobTarget(7, session, 3).to_metadata()).request)
    assert leases.waiting == ["def"]


async def test_what_was_lost_here_goes_elsewhere_first(server: Server) -> None:
    """Once, and only if somebody else has a place: after that we are better than nobody."""
    admission = admission_of(server, leases=Leases(lost_by="worker-one"))
    metadata = JobTarget(7, "abc", 3).to_metadata()
    admission.others_free = True
    first, second = Offer("a", metadata), Offer("a", metadata)
    await admission.answer(first.request)
    assert first.answer is False
    await admission.answer(second.request)
    assert isinstance(second.answer, JobAcceptArguments)


async def with_calls(server: Server, calls: int, most_cpu: float) -> Admission:
    """A worker for ten calls that has so many, on two CPUs."""
    admission = Admission(server, "worker-one", 10, most_cpu, cpus=2, clock=Clock())
    for _ in range(calls):
        await admission.answer(Offer("a", METADATA).request)
    return admission


def see(admission: Admission, *pressure: float) -> None:
    """Look at the machine once for each, a second after the last time."""
    for cpu in pressure:
        cast("Clock", admission._clock).now += 1
        admission.look(Pressure(cpu=cpu, memory=0.5, lag=0))


async def settled(server: Server, calls: int) -> Admission:
    """One whose calls have talked for a minute, each of which makes ten percent, more than is guessed."""
    admission = await with_calls(server, calls, most_cpu=50)
    see(admission, 99, *[10 * calls] * 60)
    return admission


async def test_who_has_no_call_takes_one_under_pressure(server: Server) -> None:
    """Nobody is hurt by it, and to refuse it would help nobody: a machine is busy while a worker starts."""
    admission = await with_calls(server, 0, most_cpu=50)
    see(admission, 99)
    assert admission.free == 1


async def room_in(admission: Admission) -> int:
    """How many of eight offers that come at once are taken."""
    offers = [Offer("a", METADATA) for _ in range(8)]
    for offer in offers:
        await admission.answer(offer.request)
    return sum(offer.answer is not False for offer in offers)


async def test_only_so_many_calls_are_taken_as_would_fit(server: Server) -> None:
    """What a call takes is seen seconds after it began, too late for those that come with it."""
    admission = await settled(server, 2)
    assert admission.free == 3
    assert await room_in(admission) == 3
    assert admission.free == 0


async def test_a_place_that_was_told_of_is_kept_until_the_next_look(server: Server) -> None:
    """A create was answered by it; one only, since those who talk would hear the rest of them."""
    for looks, taken in ((1, 1), (2, 0)):
        admission = await settled(server, 2)
        assert admission.free == 3
        see(admission, *[99] * looks)
        assert admission.free == 0  # nobody else is told of it
        assert await room_in(admission) == taken


@pytest.mark.parametrize("way", ["offered", "rung"])
async def test_what_is_another_s_takes_no_place(server: Server, way: str) -> None:
    """LiveKit offers all sessions, also those that were rung for and have an agent by then."""
    admission = await settled(server, 2)
    admission.leases = cast("LeaseStore", Leases(SessionHeld("abc")))

    async def come() -> None:
        if way == "offered":
            await admission.answer(Offer("a", METADATA).request)
        else:
            assert await admission.claim_unoffered("a", METADATA) is None

    assert admission.free == 3
    for _ in range(4):
        await come()
    assert admission.free == 3
    see(admission, 99)
    await come()  # the place that was promised is none of its
    admission.leases = cast("LeaseStore", Leases())
    assert await admission.claim_unoffered("a", METADATA) is not None
    assert await admission.claim_unoffered("a", METADATA) is None


async def test_what_a_call_takes_is_remembered(server: Server) -> None:
    """The next burst comes when the calls are over, and one call is taken in any case."""
    admission = await settled(server, 4)
    admission.taken.clear()
    see(admission, *[80] * 20)  # for a while it is busy with other things
    assert admission.free == 1
    see(admission, *[0] * 60)
    assert admission.free == 5
    for room in (5, 0):
        see(admission, 10)
        assert await room_in(admission) == room  # those just taken are not seen in the 10 %


@pytest.mark.parametrize(
    ("calls", "cpu", "room"), [(0, 5, 8), (1, 5, 8), (0, 30, 2), (1, 30, 3), (3, 80, 0), (4, 90, 6)]
)
async def test_before_anything_is_learned_it_is_guessed(
    server: Server, calls: int, cpu: float, room: int
) -> None:
    """Nine percent a call on two CPUs; an idle machine takes a burst as it comes, and to its end."""
    admission = await with_calls(server, calls, most_cpu=50)
    for _ in range(2):  # the first leaves what was told before
        admission.look(Pressure(cpu=cpu, memory=0.5, lag=0))
    assert await room_in(admission) == room


async def test_what_a_worker_s_start_takes_is_forgotten(server: Server) -> None:
    """It loads models for seconds; its first callers do not wait until that is long ago."""
    admission = await with_calls(server, 0, most_cpu=45)
    admission.starting = True
    see(admission, *[90] * 20)
    admission.starting = False
    see(admission, 10)
    for _ in range(2):
        await admission.answer(Offer("a", METADATA).request)
    see(admission, 20, 20)
    assert admission.free == 3


async def test_pressure_does_not_count_with_a_limit_of_100(server: Server) -> None:
    """As a setting says."""
    admission = await with_calls(server, 2, most_cpu=100)
    admission.look(Pressure(cpu=100, memory=0.5, lag=0))
    assert admission.free == 8


async def test_nothing_is_taken_under_pressure_or_while_leaving(server: Server) -> None:
    """Calls break together: one too many harms all."""
    admission = await with_calls(server, 1, most_cpu=60)
    assert admission.free == 9
    for _ in range(2):
        admission.look(Pressure(cpu=91, memory=0.5, lag=0))
    assert "wait for a CPU 91 %" in str(admission.why_not)
    admission.look(Pressure(cpu=10, memory=0.01, lag=0))
    assert "memory" in str(admission.why_not)
    admission.look(Pressure(cpu=10, memory=0.5, lag=2))
    assert "event loop" in str(admission.why_not)
    admission.look(Pressure(cpu=None, memory=None, lag=0))
    assert admission.why_not is None
    admission.draining = True
    assert (admission.free, admission.why_not) == (0, "the worker is shutting down")


async def test_a_job_that_is_gone_is_told_once(server: Server) -> None:
    """Its process was seen, and is no more: its place is free and its session is to be looked at."""
    admission = admission_of(server)
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await admission.answer(offer.request)
    assert admission.vanished() == []  # not there yet
    server.jobs = (offer.request.id,)
    assert admission.vanished() == []
    server.jobs = ()
    ((job, taken),) = admission.vanished()
    assert (job, taken.session_id) == (offer.request.id, "abc")
    assert (admission.vanished(), admission.free) == ([], 2)


def test_this_machine_tells_its_pressure() -> None:
    """Figures in their ranges."""
    gauge = PressureGauge()
    for _ in range(2):
        found = gauge.read(0.0)
        assert found.cpu is None or 0 <= found.cpu <= 100
        assert found.memory is None or 0 < found.memory <= 1


def test_the_pressure_is_that_of_the_last_three_seconds(tmp_path: Path) -> None:
    """The higher one of the machine's and the container's; a kernel that tells none is no pressure."""
    machine, container = tmp_path / "machine", tmp_path / "container"
    now = 100.0
    gauge = PressureGauge([machine, container], clock=lambda: now)

    def after(seconds: float, stalled: float, throttled: float) -> float | None:
        nonlocal now
        now += seconds
        for file, total in ((machine, stalled), (container, throttled)):
            file.write_text(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={int(total * 1e6)}\n")
        return gauge.read(0.0).cpu

    assert after(0, 7.0, 1.0) is None
    assert after(1, 7.5, 1.1) == pytest.approx(50)
    assert after(1, 7.5, 1.9) == pytest.approx(45)
    assert after(3, 7.5, 2.2) == pytest.approx(10)


def test_the_kernel_s_own_average_is_for_those_who_ask_once(tmp_path: Path) -> None:
    """The higher one of the machine's and the container's, of the last ten seconds."""
    machine, container = tmp_path / "machine", tmp_path / "container"
    machine.write_text("some avg10=12.50 avg60=9.00 avg300=0.00 total=1\n")
    assert recent_pressure([machine, container]) == 12.5
    container.write_text("some avg10=33.30 avg60=1.00 avg300=0.00 total=1\n")
    assert recent_pressure([machine, container]) == 33.3
    assert recent_pressure([tmp_path / "none"]) is None


def test_a_kernel_that_tells_no_pressure_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """Some are built without it."""
    gauge = PressureGauge([tmp_path / "none"])
    assert [gauge.read(0.0).cpu for _ in range(2)] == [None, None]
