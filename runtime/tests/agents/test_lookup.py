"""The configuration of a job's agent, from registrations and rows in a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_runtime.agents.lookup import FoundAgent, find_agent
from agent_runtime.domain.agent import Registration
from agent_runtime.domain.errors import AgentUnknown, InvalidAgentConfig
from agent_runtime.storage import RegisteredAgents, StoredSessions, open_database
from fixtures.agents.rows import AgentRows


class Platform:
    """A database with the registrations and rows of a platform."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'platform.sqlite3'}"
        database = open_database(url, prepare=True, pool_size=1)
        self.agents = RegisteredAgents(database, StoredSessions(database))
        self.rows = AgentRows(url)

    async def find(self) -> FoundAgent:
        """Find agent 7."""
        return await find_agent(self.agents, 7, default_limit=100)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """An empty platform."""
    return Platform(tmp_path)


async def test_the_registration_wins_over_the_row(platform: Platform) -> None:
    """Prompt, tenant and limit are the registration's where there is one, even beside a stopped row."""
    platform.rows.insert(7, system_prompt="of the row", deployment_status="stopped")
    await platform.agents.register(Registration(7, 5, {"systemPrompt": "of the form"}, 2))
    found = await platform.find()
    assert (found.config.system_prompt, found.tenant_id, found.max_sessions) == (
        "of the form",
        5,
        2,
    )


async def test_without_a_registration_the_row_is_the_agent(platform: Platform) -> None:
    """Without a registration, prompt, tenant and limit are the row's."""
    platform.rows.insert(7, system_prompt="of the row", max_concurrent_sessions=4)
    found = await platform.find()
    assert (found.config.system_prompt, found.tenant_id, found.max_sessions) == ("of the row", 3, 4)


async def test_a_row_without_a_limit_has_the_settings(platform: Platform) -> None:
    """A row without a limit takes MAX_SESSIONS_PER_AGENT."""
    platform.rows.insert(7, max_concurrent_sessions=None)
    assert (await platform.find()).max_sessions == 100


@pytest.mark.parametrize("status", ["draft", "deployed", "error"])
async def test_every_other_deployment_status_is_an_agent(platform: Platform, status: str) -> None:
    """A row is an agent in every deployment status but `stopped`."""
    platform.rows.insert(7, deployment_status=status)
    assert (await platform.find()).tenant_id == 3


async def test_a_stopped_row_is_unknown(platform: Platform) -> None:
    """A row with a stopped deployment is no agent, and the error gives that reason."""
    platform.rows.insert(7, deployment_status="stopped")
    with pytest.raises(AgentUnknown, match="its deployment is stopped"):
        await platform.find()


async def test_no_registration_and_no_row_is_unknown(platform: Platform) -> None:
    """An id without registration and row is unknown."""
    with pytest.raises(AgentUnknown, match="neither registered nor in the agents table"):
        await platform.find()


async def test_a_faulty_row_names_its_column(platform: Platform) -> None:
    """Malformed JSON is refused with the name of its column."""
    platform.rows.insert(7, stt_config="{")
    with pytest.raises(InvalidAgentConfig, match="stt_config: is not JSON"):
        await platform.find()
