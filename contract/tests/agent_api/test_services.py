"""The services of the agent API as real processes: the Node.js stand-in, our API, and coverage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contract.agent_api.profile import PROFILE
from contract.agent_api.services.coverage import SOURCE, CoverageMeter
from contract.agent_api.services.managed import AgentServices
from contract.agent_api.services.old_service import OldService
from contract.errors import TargetUnreachable
from contract.targets.http_target import HttpTarget
from contract.targets.target import Target
from contract.testbed import preflight
from contract.tests.samples import request

CHANGES = (*PROFILE.faults.keys(), *PROFILE.faults.values())
REGISTER = request(
    "POST", "/api/agents/register", {"agentId": 7, "tenantId": 5, "config": {"name": "x"}}
)
CREATE = request("POST", "/api/sessions/create", {"agentId": 7, "tenantId": 5, "roomName": "lobby"})


async def agents(target: Target) -> bytes:
    """The list of agents."""
    return (await target.send(request("GET", "/api/agents"))).body


@pytest.fixture
async def old() -> AsyncIterator[HttpTarget]:
    """The stand-in as the old service."""
    service = OldService("old", CHANGES)
    yield await service.start()
    await service.stop()


async def test_the_old_service_forgets_when_it_restarts(old: HttpTarget) -> None:
    """Reset and restart are a new process on the same port; faults, which it has not, change nothing."""
    await preflight.check(old, PROFILE)
    await preflight.check_old(old, PROFILE)
    await old.send(REGISTER)
    for change in CHANGES:
        await old.change(change)
    assert await agents(old) == b'{"agents":[7]}'
    await old.change("restart")
    assert await agents(old) == b'{"agents":[]}'
    await old.send(REGISTER)
    await old.reset()
    assert await agents(old) == b'{"agents":[]}'


async def test_an_old_service_that_cannot_start_is_unreachable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without Node.js the gate has the reason as its message, not an error of its own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetUnreachable, match=r"Node\.js"):
        await OldService("old", CHANGES).start()


async def test_the_managed_services_are_watched_measured_and_reset() -> None:
    """Our API's calls to LiveKit are seen, a restart keeps its state, a reset does not.

    The coverage of its HTTP layer is known once the services have stopped.
    """
    async with AgentServices().testbed(PROFILE, ("sqlite",)) as found:
        assert found.again is not None
        (new,) = found.news
        assert [t.name for t in (found.old, found.again, new)] == [
            "old",
            "old-again",
            "new on sqlite",
        ]
        assert (found.watched, found.can_reset, found.cannot) == (True, True, frozenset())
        await preflight.check(new, PROFILE)
        assert (await new.send(REGISTER)).effects == ()
        created = await new.send(CREATE)
        assert (created.status, [e.call for e in created.effects]) == (200, ["Launch"]), (
            created.text
        )
        await new.change("restart")
        assert await agents(new) == b'{"agents":[7]}'
        await new.reset()
        assert await agents(new) == b'{"agents":[]}'
        assert found.coverage is not None
        assert (found.coverage.source, found.coverage.percent) == (SOURCE, None)
    assert found.coverage.percent is not None
    assert 20 < found.coverage.percent < 100
    with pytest.raises(TargetUnreachable):
        await new.send(REGISTER)


def test_without_data_there_is_no_coverage(tmp_path: Path) -> None:
    """A service that was never started was not covered by nought per cent: nothing was measured."""
    assert CoverageMeter(tmp_path).percent() is None
