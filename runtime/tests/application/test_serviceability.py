"""An agent is refused whose providers no running worker can serve; without a worker there is a warning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.application.serviceability import Serviceability
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.domain.lease import WorkerState
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.providers.serving import serves
from agent_runtime.settings import Settings

NO_KEY = "needs a key, which no running worker has: set"
NOT_HERE = "needs a key, which this API does not have: set"
NOBODY = "no worker is running that could say if it serves this"
PACKAGE = "livekit-plugins-anthropic (voice-agent-runtime[anthropic])"
FALLBACK = "ttsConfig.fallbacks.0.provider"
ALL = {"deepgram": True, "openai": True, "cartesia": True}


class Workers:
    """The rows of workers that serve this."""

    def __init__(self, *given: Mapping[str, bool] | None) -> None:
        self._given = given

    async def all(self) -> list[WorkerState]:
        """One worker for each."""
        return [
            WorkerState(f"worker-{number}", "", "running", 0, 1, serves=one)
            for number, one in enumerate(self._given)
        ]


async def check(
    config: dict[str, Any], *workers: Mapping[str, bool] | None, **environ: str
) -> list[str]:
    """The warnings, in an API with this environment."""
    providers = Settings.load(environ).providers.defaults(EgressPolicy())
    store: Any = Workers(*workers)
    return await Serviceability(store, providers).check(parse_registered(config))


async def refusals(config: dict[str, Any], *workers: Mapping[str, bool] | None) -> list[str]:
    """The faults for which the configuration is refused."""
    with pytest.raises(InvalidAgentConfig) as refused:
        await check(config, *workers)
    return [str(issue) for issue in refused.value.issues]


async def test_what_a_worker_serves_is_accepted() -> None:
    """One worker that has package and key is enough, whatever the others lack."""
    gladia = {"sttProvider": "gladia"}
    assert await check({}, ALL) == []
    assert await check(gladia, ALL, {**ALL, "gladia": True}) == []


async def test_a_missing_key_is_refused_with_its_field_and_variable() -> None:
    """No running worker has a key: the fault names the field, the variable, and the agent's own key."""
    config = {"sttProvider": "gladia", "ttsConfig": {"fallbacks": [{"provider": "elevenlabs"}]}}
    assert await refusals(config, {**ALL, "gladia": False, "elevenlabs": False}, ALL) == [
        f"sttProvider: Gladia {NO_KEY} GLADIA_API_KEY for the workers, or apiKey in sttConfig",
        f"{FALLBACK}: ElevenLabs {NO_KEY} ELEVEN_API_KEY for the workers, or apiKey in ttsConfig",
    ]


async def test_a_missing_package_is_refused_with_its_name() -> None:
    """No running worker has the package: the fault names package and extra."""
    assert await refusals({"llmProvider": "anthropic", "llmConfig": {"apiKey": "own"}}, ALL) == [
        f"llmProvider: Anthropic needs the package {PACKAGE}, which no running worker has"
    ]


async def test_an_agent_s_own_key_is_enough() -> None:
    """An agent that brings its key needs none of the worker's."""
    config = {"sttProvider": "gladia", "sttConfig": {"apiKey": "own"}}
    assert await check(config, {**ALL, "gladia": False}) == []


async def test_a_worker_of_an_older_version_is_trusted() -> None:
    """During an update, workers that do not say what they serve refuse nothing."""
    assert await check({"sttProvider": "gladia"}, ALL, None) == []


async def test_without_a_worker_the_agent_is_registered_with_a_warning() -> None:
    """Nobody knows what the next worker serves: the warning says what this process would lack."""
    config = {"sttProvider": "gladia", "ttsProvider": "elevenlabs"}
    assert await check(config, ELEVEN_API_KEY="k") == [
        f"sttProvider: {NOBODY}; Gladia {NOT_HERE} GLADIA_API_KEY for the workers, or apiKey in sttConfig"
    ]
    assert await check({"sttProvider": "deepgram"}) == []  # the default one is any worker's


def test_a_worker_reports_packages_and_whether_there_are_keys() -> None:
    """What a worker publishes holds no key, and names plugins without a folder here as well."""
    providers = Settings.load({"GLADIA_API_KEY": "s3cret"}).providers.defaults(EgressPolicy())
    found = serves(providers)
    assert found["gladia"] is True
    assert found["anthropic"] is False
    assert "google" in found  # LiveKit's plugin, which gemini uses, under its own name
    assert "silero" not in found
    assert "s3cret" not in json.dumps(dict(found))
