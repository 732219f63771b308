"""Whose configuration a job's agent has; registrations and rows in a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_runtime.agents.lookup import FoundAgent, find_agent
from agent_runtime.domain.agent import Registration
from agent_runtime.domain.errors import AgentUnknown, InvalidAgentConfig
from agent_runtime.storage import RegisteredAgents, StoredSessions, open_database
from fixtures.agents.rows import AgentRows


class Platform:
    """A database with what the platform has put into it."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'platform.sqlite3'}"
        database = open_database(url, prepare=True, pool_size=1)
        self.agents = RegisteredAgents(database, StoredSessions(database))
        self.rows = AgentRows(url)

    async def find(self) -> FoundAgent:
        """Agent 7."""
        return await find_agent(self.agents, 7, default_limit=100)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """An empty one."""
    return Platform(tmp_path)


async def test_the_registration_wins_over_the_row(platform: Platform) -> None:
    """With both there, prompt, tenant and limit are the registration's, even when the row is stopped."""
    platform.rows.insert(7, system_prompt="of the row", deployment_status="stopped")
    await platform.agents.register(Registration(7, 5, {"systemPrompt": "of the form"}, 2))
    found = await platform.find()
    assert (found.config.system_prompt, found.tenant_id, found.max_sessions) == (
        "of the form",
        5,
        2,
    )


async def test_without_a_registration_the_row_talks(platform: Platform) -> None:
    """Its tenant and its limit are the row's."""
    platform.rows.insert(7, system_prompt="of the row", max_concurrent_sessions=4)
    found = await platform.find()
    assert (found.config.system_prompt, found.tenant_id, found.max_sessions) == ("of the row", 3, 4)


async def test_a_row_without_a_limit_has_the_settings(platform: Platform) -> None:
    """MAX_SESSIONS_PER_AGENT holds where the row says nothing."""
    platform.rows.insert(7, max_concurrent_sessions=None)
    assert (await platform.find()).max_sessions == 100


@pytest.mark.parametrize("status", ["draft", "deployed", "error"])
async def test_only_a_stopped_row_is_silent(platform: Platform, status: str) -> None:
    """Every other deployment status talks."""
    platform.rows.insert(7, deployment_status=status)
    assert (await platform.find()).tenant_id == 3


async def test_a_stopped_row_is_unknown(platform: Platform) -> None:
    """What somebody stopped does not come, and the reason says so."""
    platform.rows.insert(7, deployment_status="stopped")
    with pytest.raises(AgentUnknown, match="its deployment is stopped"):
        await platform.find()


async def test_neither_is_unknown(platform: Platform) -> None:
    """Without registration and row there is no agent."""
    with pytest.raises(AgentUnknown, match="neither registered nor in the agents table"):
        await platform.find()


async def test_a_faulty_row_names_its_column(platform: Platform) -> None:
    """Malformed JSON is told by the column's name."""
    platform.rows.insert(7, stt_config="{")
    with pytest.raises(InvalidAgentConfig, match="stt_config: is not JSON"):
        await platform.find()
