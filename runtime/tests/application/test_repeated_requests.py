"""Creates with an Idempotency-Key: one session, and one answer, for each key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.application.creates import repeated_requests
from agent_runtime.application.creates.limits import LimitsOfCreates
from agent_runtime.application.creates.repeated_requests import RepeatedRequests
from agent_runtime.domain.errors import AgentAtCapacity, LiveKitUnavailable
from agent_runtime.domain.ports.sessions import (
    Remembered,
    RequestDiffers,
    RequestInFlight,
    RequestRepeated,
)
from agent_runtime.domain.session import (
    CreateLimits,
    RepeatableRequest,
    Session,
    SessionStatus,
    new_session,
)

REQUEST = RepeatableRequest("key", "body")


class Requests:
    """The table in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Remembered] = {}

    async def find(self, key: str) -> Remembered | None:
        """The row."""
        return self.rows.get(key)

    async def answered(self, key: str) -> None:
        """Mark it."""
        self.rows[key] = replace(self.rows[key], is_answered=True)

    async def forget(self, key: str, session_id: str) -> None:
        """Delete it."""
        if (row := self.rows.get(key)) is not None and row.session_id == session_id:
            del self.rows[key]


class Maker:
    """Stores a session under the key, waits for `may_answer`, and answers or fails."""

    def __init__(self, requests: Requests, error: Exception | None = None) -> None:
        self.made: list[Session] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._requests = requests
        self._error = error

    async def __call__(self) -> Session:
        """Make a session."""
        if REQUEST.key in self._requests.rows:
            raise RequestRepeated
        session = new_session(7, 3, "")
        self._requests.rows[REQUEST.key] = Remembered(
            REQUEST.body, session, session.session_id, False, datetime.now(UTC)
        )
        self.made.append(session)
        await self.may_answer.wait()
        if self._error is not None:
            raise self._error
        return session


@pytest.fixture
def requests() -> Requests:
    """An empty table."""
    return Requests()


async def test_the_same_request_has_the_same_answer(requests: Requests) -> None:
    """A request that comes again gets the first one's session; another body is an error."""
    repeated, make = RepeatedRequests(requests), Maker(requests)
    first = await repeated.create(REQUEST, make)
    assert await repeated.create(REQUEST, make) == first
    assert make.made == [first]
    with pytest.raises(RequestDiffers):
        await repeated.create(replace(REQUEST, body="other"), make)


async def test_a_request_waits_for_the_first_ones_answer(requests: Requests) -> None:
    """Requests that come while the first one is not answered get the same session."""
    repeated, make = RepeatedRequests(requests), Maker(requests)
    make.may_answer.clear()
    creating = [asyncio.create_task(repeated.create(REQUEST, make)) for _ in range(3)]
    await asyncio.sleep(0)
    make.may_answer.set()
    assert {one.session_id for one in await asyncio.gather(*creating)} == {make.made[0].session_id}
    assert len(make.made) == 1


async def test_a_request_does_not_wait_for_ever(
    requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first one stays without an answer, the next one is told so after a bound."""
    monkeypatch.setattr(repeated_requests, "WAIT", 0.05)
    monkeypatch.setattr(repeated_requests, "PAUSE", 0.01)
    repeated, make = RepeatedRequests(requests), Maker(requests)
    make.may_answer.clear()
    first = asyncio.create_task(repeated.create(REQUEST, make))
    await asyncio.sleep(0)
    with pytest.raises(RequestInFlight):
        await repeated.create(REQUEST, make)
    make.may_answer.set()
    await first


async def test_a_failed_request_frees_its_key(requests: Requests) -> None:
    """A create that ends with 503 is tried anew when it comes again."""
    repeated = RepeatedRequests(requests)
    failing = Maker(requests, LiveKitUnavailable("LiveKit: away"))
    with pytest.raises(LiveKitUnavailable):
        await repeated.create(REQUEST, failing)
    make = Maker(requests)
    assert await repeated.create(REQUEST, make) == make.made[0]


async def test_a_session_of_a_process_that_died(requests: Requests) -> None:
    """A session that was stored and never answered is the answer once its process must be gone."""
    repeated, make = RepeatedRequests(requests), Maker(requests)
    session = new_session(7, 3, "")
    long_ago = datetime.now(UTC) - repeated_requests.GONE_AFTER - timedelta(seconds=1)
    requests.rows["key"] = Remembered("body", session, session.session_id, False, long_ago)
    assert await repeated.create(REQUEST, make) == session
    # Of a create that was refused while the database was slow, only the error came to be.
    failed = replace(session, status=SessionStatus.ERROR)
    requests.rows["key"] = Remembered("body", failed, session.session_id, False, long_ago)
    assert await repeated.create(REQUEST, make) == make.made[0]


async def test_a_refusal_is_not_remembered(requests: Requests) -> None:
    """A request that is refused may be sent again, and is then tried anew."""
    repeated = RepeatedRequests(requests)

    async def refuse() -> Session:
        raise AgentAtCapacity(7, 1)

    with pytest.raises(AgentAtCapacity):
        await repeated.create(REQUEST, refuse)
    make = Maker(requests)
    assert await repeated.create(REQUEST, make) == make.made[0]


class Tenants:
    """The column `resource_quota`, and how often it was read."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.reads = 0

    async def resource_quota(self, _tenant_id: int) -> str | None:
        """The text."""
        self.reads += 1
        return self.text


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        (None, 5),
        ("", 5),
        ("{}", 5),
        ('{"cpu": "4"}', 5),
        ('{"maxConcurrentSessions": null}', 5),
        ('{"maxConcurrentSessions": 2}', 2),
        ('{"maxConcurrentSessions": 0}', 0),
        ('{"maxConcurrentSessions": 99999999999}', 2**31 - 1),
    ],
)
async def test_the_tenants_row_wins(text: str | None, quota: int) -> None:
    """The number in the tenant's row counts, else the setting."""
    limits = LimitsOfCreates(Tenants(text), waiting=10, of_tenant=5)
    assert await limits.of(3) == CreateLimits(10, quota)


@pytest.mark.parametrize(
    "text", ["{", "[]", '"x"', '{"maxConcurrentSessions": "2"}', '{"maxConcurrentSessions": true}']
)
async def test_a_quota_that_is_not_understood(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """A quota that cannot be read is logged with the tenant, and the setting counts."""
    limits = LimitsOfCreates(Tenants(text), waiting=0, of_tenant=0)
    assert await limits.of(3) == CreateLimits()
    assert "tenants.resource_quota of tenant 3" in caplog.text


async def test_the_quota_is_not_read_for_each_create() -> None:
    """Creates of a tenant within ten seconds read its quota once."""
    tenants = Tenants(None)
    limits = LimitsOfCreates(tenants, waiting=0, of_tenant=0)
    for _ in range(5):
        await limits.of(3)
    assert tenants.reads == 1
