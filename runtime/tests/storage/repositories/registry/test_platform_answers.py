"""The answers of the platform's service in both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from agent_runtime.domain.agents.config_source import KeptAnswer, ServiceState
from agent_runtime.storage import Database
from agent_runtime.storage.repositories.registry.platform_answers import StoredPlatformAnswers

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


async def test_answer_and_state_are_kept_apart(database: Database) -> None:
    """Neither an answer that comes or goes nor the service's state changes the other."""
    answers = StoredPlatformAnswers(database)
    assert await answers.read(7) == (ServiceState(), None)
    state = ServiceState(3, NOW)
    await answers.set_state(state)
    await answers.keep(7, KeptAnswer({"a": "ä"}, None, NOW))
    await answers.keep(7, KeptAnswer({"a": "b"}, '"2"', NOW))
    assert await answers.read(7) == (state, KeptAnswer({"a": "b"}, '"2"', NOW))
    assert await answers.read(8) == (state, None)
    await answers.set_state(ServiceState())
    await answers.forget(7)
    assert await answers.read(7) == (ServiceState(), None)
