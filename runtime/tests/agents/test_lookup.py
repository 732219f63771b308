"""The configuration of a job's agent, from registrations and rows in a real database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.forms.row import completed
from agent_runtime.agents.lookup import FoundAgent, find_agent
from agent_runtime.agents.sources import AgentSources, ConfigFiles
from agent_runtime.agents.sources.document import DocumentReader, ReadAgent
from agent_runtime.agents.sources.platform import PlatformAgent
from agent_runtime.agents.templates import Templates
from agent_runtime.domain.agents.agent import Registration
from agent_runtime.domain.agents.config_source import SourceName
from agent_runtime.domain.errors import (
    AgentStopped,
    AgentUnknown,
    InvalidAgentConfig,
    PlatformUnavailable,
)
from agent_runtime.storage import RegisteredAgents, StoredSessions, open_database
from fixtures.agents.rows import AgentRows


class Platform:
    """A database with the registrations and rows of a platform."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'platform.sqlite3'}"
        database = open_database(url, prepare=True, pool_size=1)
        self.agents = RegisteredAgents(database, StoredSessions(database))
        self.rows = AgentRows(url)

    async def find(self, sources: AgentSources | None = None) -> FoundAgent:
        """Find agent 7."""
        return await find_agent(self.agents, 7, 100, sources)


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


async def test_what_the_registration_leaves_out_comes_from_the_row(platform: Platform) -> None:
    """Greeting, temperature and voice of the row fill a registration without them, null included."""
    platform.rows.insert(
        7,
        initial_greeting="Hello.",
        temperature=0.3,
        voice_id="v",
        languages="de",
        system_prompt="of the row",
    )
    given = {"systemPrompt": "of the form", "temperature": None, "initialGreeting": None}
    await platform.agents.register(Registration(7, 3, given, 2))
    config = (await platform.find()).config
    assert (config.greeting, config.temperature, config.voice_id) == ("Hello.", 0.3, "v")
    assert (config.system_prompt, config.languages) == ("of the form", ["de"])


async def test_an_empty_greeting_is_no_greeting(platform: Platform) -> None:
    """A registration with the greeting "" has none, whatever the row says."""
    platform.rows.insert(7, initial_greeting="Hello.")
    await platform.agents.register(Registration(7, 3, {"initialGreeting": ""}, 2))
    assert (await platform.find()).config.greeting is None


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"llmConfig": {"baseUrl": "https://llm.example.com/v1"}}, None),
        ({"llmConfig": None}, "of the row"),
        ({}, "of the row"),
    ],
)
async def test_a_key_goes_with_its_provider_and_address(
    platform: Platform, given: dict[str, Any], key: str | None
) -> None:
    """The row's settings of a provider are taken as a whole, and for that provider only."""
    platform.rows.insert(7, llm_config={"apiKey": "of the row"})
    await platform.agents.register(Registration(7, 3, given, 2))
    assert (await platform.find()).config.llm.api_key == key


@pytest.mark.parametrize(
    ("given", "form", "found"),
    [
        ({}, {"llmProvider": "a", "llmModel": "m"}, {"llmProvider": "a", "llmModel": "m"}),
        ({"llmProvider": "b"}, {"llmProvider": "a", "llmModel": "m"}, {"llmProvider": "b"}),
        ({"llmConfig": {}}, {"llmProvider": "a", "llmModel": "m"}, {"llmConfig": {}}),
        (
            {"llmProvider": "A"},
            {"llmProvider": "a", "llmModel": "m"},
            {"llmProvider": "A", "llmModel": "m"},
        ),
        (
            {"llmConfig": {}},
            {"llmProvider": "openai", "llmModel": "m"},
            {"llmConfig": {}, "llmModel": "m"},
        ),
    ],
)
def test_settings_of_another_provider_are_not_taken(
    given: dict[str, Any], form: dict[str, Any], found: dict[str, Any]
) -> None:
    """The row's model, voice and settings are for its own provider; `openai` is the default."""
    assert completed(given, form) == found


async def test_the_registrations_model_stays(platform: Platform) -> None:
    """A model in the registration's `llmConfig` is not overruled by the row's `llm_model`."""
    platform.rows.insert(7, llm_model="of the row")
    await platform.agents.register(Registration(7, 3, {"llmConfig": {"model": "mine"}}, 2))
    assert (await platform.find()).config.llm.model == "mine"


async def test_a_faulty_row_does_not_harm_a_registration(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that cannot be read, or names an unknown provider, is left out and logged."""
    platform.rows.insert(7, tts_config="{", initial_greeting="Hello.")
    await platform.agents.register(Registration(7, 3, {"systemPrompt": "of the form"}, 2))
    assert (await platform.find()).config.greeting is None
    assert "tts_config: is not JSON" in caplog.text


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
    with pytest.raises(AgentStopped, match="its deployment is stopped"):
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


class Service:
    """The platform's service as a source, without HTTP: an agent, None, or an outage."""

    def __init__(self, answer: str | None, *, is_away: bool = False) -> None:
        self._answer = answer
        self._is_away = is_away
        self.asked = 0

    async def find(self, _agent_id: int) -> Any:
        """Answer."""
        self.asked += 1
        if self._is_away:
            raise PlatformUnavailable("it is away")
        if self._answer is None:
            return None
        config = parse_registered({"systemPrompt": self._answer})
        return PlatformAgent(ReadAgent(config, {}, None), datetime.now(UTC))


def all_sources(folder: Path, service: Service) -> AgentSources:
    """The service, and a folder of files."""
    return AgentSources(cast("Any", service), ConfigFiles(folder, DocumentReader(Templates())))


async def test_the_sources_have_an_order(platform: Platform, tmp_path: Path) -> None:
    """Registered, the platform's service, the row, a file: the first that has the agent wins."""
    file = tmp_path / "7.json"
    with pytest.raises(AgentUnknown):
        await platform.find(all_sources(tmp_path, Service(None)))
    file.write_text('{"systemPrompt": "of the file", "maxConcurrentSessions": 3}')
    found = await platform.find(all_sources(tmp_path, Service(None)))
    assert (found.config.system_prompt, found.tenant_id, found.max_sessions) == (
        "of the file",
        0,
        3,
    )
    assert str(found.source) == f"file ({file})"
    platform.rows.insert(7, system_prompt="of the row")
    found = await platform.find(all_sources(tmp_path, Service(None)))
    assert (found.config.system_prompt, found.source.name) == ("of the row", SourceName.ROW)
    found = await platform.find(all_sources(tmp_path, Service("of the service")))
    assert (found.config.system_prompt, found.tenant_id) == ("of the service", 3)
    await platform.agents.register(Registration(7, 5, {"systemPrompt": "registered"}, 2))
    service = Service("of the service")
    found = await platform.find(all_sources(tmp_path, service))
    assert (found.config.system_prompt, service.asked) == ("registered", 0)


async def test_an_outage_leaves_the_agent_to_later_sources(
    platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without an answer the row serves, and the log says so; without a row the outage is raised."""
    away = all_sources(tmp_path, Service(None, is_away=True))
    with pytest.raises(PlatformUnavailable):
        await platform.find(away)
    platform.rows.insert(7, system_prompt="of the row")
    assert (await platform.find(away)).config.system_prompt == "of the row"
    assert "it is away; using the row" in caplog.text


async def test_a_registration_may_extend_a_template(platform: Platform) -> None:
    """The template completes the registration before the row does."""
    platform.rows.insert(7, initial_greeting="of the row", voice_id="v")
    await platform.agents.register(Registration(7, 3, {"extends": "survey", "name": "Ours"}, 2))
    config = (await platform.find()).config
    assert (config.name, config.voice_id) == ("Ours", "v")
    assert f"{config.greeting}".startswith("Hello{% if")
