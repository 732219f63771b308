"""Which jobs a worker takes, under which name, and what it tells LiveKit about its load."""

from __future__ import annotations

import logging
import re

import pytest
from livekit import api
from livekit.agents import AgentServer, JobRequest
from livekit.agents.job import JobAcceptArguments

from agent_runtime.domain.job import JobTarget
from agent_runtime.voice.admission import Admission

TARGET_LOAD = 0.7  # livekit-server's agents.target_load: from there on it skips a worker


class Server(AgentServer):
    """An agent server with as many calls as the test says."""

    calls = 0

    @property
    def active_jobs(self) -> list[object]:  # type: ignore[override]
        """As many as there are calls."""
        return [object()] * self.calls


class Offer:
    """One job offered; `answer` is what became of it."""

    def __init__(self, room: str, metadata: str = "") -> None:
        job = api.Job(id="AJ_1", room=api.Room(name=room), metadata=metadata)
        self.answer: JobAcceptArguments | bool | None = None
        self.request = JobRequest(job=job, on_reject=self._reject, on_accept=self._accept)

    async def _reject(self, terminate: bool) -> None:
        self.answer = terminate

    async def _accept(self, arguments: JobAcceptArguments) -> None:
        self.answer = arguments


@pytest.fixture
def server() -> Server:
    """A server without calls."""
    return Server(ws_url="ws://127.0.0.1:1", api_key="key", api_secret="secret")


async def test_a_session_s_job_is_taken_under_its_identity(server: Server) -> None:
    """The API finds the agent in the room by the session's id."""
    offer = Offer("any-room", JobTarget(7, "abc", 3).to_metadata())
    await Admission(server, 2).answer(offer.request)
    assert isinstance(offer.answer, JobAcceptArguments)
    assert offer.answer.identity == "agent-abc"


async def test_automatic_jobs_get_an_identity_each(server: Server) -> None:
    """Two jobs by room name are two sessions; each id has the form of every other session id."""
    identities = set()
    for _ in range(2):
        offer = Offer("agent-7-room")
        await Admission(server, 2).answer(offer.request)
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
        await Admission(server, 2).answer(offer.request)
    assert offer.answer is True
    (record,) = [record for record in caplog.records if "job refused" in record.message]
    assert reason in record.message
    assert vars(record)["room"] == room


async def test_a_full_worker_leaves_the_job_to_another(server: Server) -> None:
    """At the limit the job is refused, but not for good."""
    server.calls = 2
    offer = Offer("agent-7-room")
    await Admission(server, 2).answer(offer.request)
    assert offer.answer is False


def test_the_load_grows_and_never_makes_the_server_skip_us(server: Server) -> None:
    """It tells workers apart, from 0 to below the server's limit, even past our own."""
    admission = Admission(server, 4)
    loads = []
    for server.calls in range(7):
        loads.append(admission.load(server))
    assert loads[0] == 0
    assert loads == sorted(loads)
    assert len(set(loads[:5])) == 5
    assert max(loads) < TARGET_LOAD
