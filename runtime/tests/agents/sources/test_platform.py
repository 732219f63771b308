"""The platform's configuration service over real HTTP: its answers, its failures, what is kept of both."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent_runtime.agents.sources.platform import FRESH, OPEN_FOR, PlatformSource
from agent_runtime.domain.errors import PlatformUnavailable
from agent_runtime.storage import Database
from agent_runtime.storage.repositories.registry.platform_answers import StoredPlatformAnswers
from runtime.tests.agents.sources.conftest import LaterClock
from runtime.tests.agents.sources.service import Service

LATER = FRESH + timedelta(seconds=1)


async def prompt(source: PlatformSource) -> str | None:
    """The prompt of agent 7; None when the service does not know it."""
    found = await source.find(7)
    return None if found is None else found.agent.config.system_prompt


async def test_the_answer_is_the_agent(source: PlatformSource, service: Service) -> None:
    """The request has the bearer token, and an answer may be the configuration or hold it with a tenant."""
    found = await source.find(7)
    assert found is not None
    assert (found.agent.config.system_prompt, found.agent.tenant_id) == ("of the service", None)
    (request,) = service.requests
    assert request.path == "/api/agents/7/config"
    assert request.headers["Accept"] == "application/json"
    service.documents[8] = {"agentId": 8, "tenantId": 5, "config": {"extends": "survey"}}
    other = await source.find(8)
    assert other is not None
    assert (other.agent.config.name, other.agent.tenant_id) == ("Survey", 5)


async def test_an_unknown_agent_is_no_failure(source: PlatformSource, database: Database) -> None:
    """404 leaves the agent to the next source."""
    assert await source.find(99) is None
    state, kept = await StoredPlatformAnswers(database).read(99)
    assert (state.failures, kept) == (0, None)


async def test_a_fresh_answer_needs_no_request(
    source: PlatformSource, service: Service, clock: LaterClock
) -> None:
    """Calls that begin together need one request; a later one asks with the ETag, and 304 is enough."""
    service.etag = '"1"'
    assert [await prompt(source), await prompt(source)] == ["of the service"] * 2
    assert len(service.requests) == 1
    clock.later = LATER
    assert await prompt(source) == "of the service"
    assert service.requests[1].headers["If-None-Match"] == '"1"'
    assert await prompt(source) == "of the service"
    assert len(service.requests) == 2  # 304 has made it fresh again
    clock.later *= 2
    service.documents[7], service.etag = {"systemPrompt": "changed"}, '"2"'
    assert await prompt(source) == "changed"


@pytest.mark.parametrize(
    "fault",
    ["slow", "cut", "garbage", "list", "large", "500", "503", "429", "401", "302", "redirect"],
)
async def test_the_last_good_answer_serves_while_the_service_fails(
    source: PlatformSource,
    service: Service,
    clock: LaterClock,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """A call begins after one attempt, and the log says how old the configuration is and why."""
    assert await prompt(source) == "of the service"
    clock.later = timedelta(minutes=10)
    service.faults = [fault] * 2  # aiohttp itself repeats a request whose connection was cut
    assert await prompt(source) == "of the service"
    assert len(service.requests) == (3 if fault == "cut" else 2)
    assert "agent 7: the platform's configuration is 600 s old: " in caplog.text
    assert "secret" not in caplog.text
    if fault == "401":
        assert "check PLATFORM_API_KEY" in caplog.text


async def test_an_invalid_answer_does_not_replace_a_good_one(
    source: PlatformSource, service: Service, clock: LaterClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A configuration with faults is logged with all of them, and the good one stays."""
    assert await prompt(source) == "of the service"
    clock.later = LATER
    service.faults = ["invalid"]
    assert await prompt(source) == "of the service"
    assert "temperature: " in caplog.text
    assert "sttProvider: " in caplog.text
    clock.later *= 2
    service.faults = ["500"]
    assert await prompt(source) == "of the service"


async def test_without_an_earlier_answer_it_is_asked_three_times(
    source: PlatformSource, service: Service
) -> None:
    """Two failures cost a short pause each; the third answer counts."""
    service.faults = ["500", "garbage"]
    assert await prompt(source) == "of the service"
    assert len(service.requests) == 3


@pytest.mark.parametrize(("fault", "requests"), [("500", 3), ("401", 1), ("400", 1), ("large", 1)])
async def test_without_any_answer_the_service_is_unavailable(
    source: PlatformSource, service: Service, fault: str, requests: int
) -> None:
    """Only what a repetition may cure is tried again; the error names the agent and the reason."""
    service.faults = [fault] * 9
    with pytest.raises(PlatformUnavailable, match="no configuration of agent 7 from the platform"):
        await prompt(source)
    assert len(service.requests) == requests


async def test_a_service_that_keeps_failing_is_left_alone(
    source: PlatformSource, service: Service, clock: LaterClock, database: Database
) -> None:
    """After three failed calls none asks for half a minute; then one does, and success closes the circuit.

    The state is in the database: every call has a process of its own.
    """
    assert await prompt(source) == "of the service"
    service.faults = ["500"] * 3
    for number in range(3):
        clock.later = LATER * (number + 1)
        assert await prompt(source) == "of the service"
    asked = len(service.requests)
    clock.later += OPEN_FOR / 2
    assert await prompt(source) == "of the service"
    assert len(service.requests) == asked
    clock.later += OPEN_FOR
    assert await prompt(source) == "of the service"
    assert len(service.requests) == asked + 1
    state, _ = await StoredPlatformAnswers(database).read(7)
    assert state.failures == 0


async def test_an_agent_that_the_service_deletes_is_forgotten(
    source: PlatformSource, service: Service, clock: LaterClock, database: Database
) -> None:
    """After 404 the earlier answer serves no call any more, whatever happens to the service."""
    assert await prompt(source) == "of the service"
    clock.later = LATER
    service.documents.clear()
    assert await prompt(source) is None
    _, kept = await StoredPlatformAnswers(database).read(7)
    assert kept is None


async def test_no_server_at_all(source: PlatformSource, database: Database) -> None:
    """A refused connection is a failure like the others."""
    nowhere = PlatformSource(
        "http://127.0.0.1:1", "", StoredPlatformAnswers(database), source._reader
    )
    with pytest.raises(PlatformUnavailable, match="ClientConnectorError"):
        await nowhere.find(7)
