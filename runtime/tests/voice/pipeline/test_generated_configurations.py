"""Whatever a configuration holds: it is registered and built, or refused with a path for each fault."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit.agents import JobExecutorType, JobProcess

from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.agents.fields import by_key, section_of
from agent_runtime.agents.forms.any_form import read
from agent_runtime.agents.forms.file import to_file
from agent_runtime.agents.forms.file_shape import FileForm
from agent_runtime.agents.in_force import Defaults, Layer, in_force
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import pace_of
from agent_runtime.agents.sections import Profile
from agent_runtime.agents.templates import Templates
from agent_runtime.application.registration import checked
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.pipeline.session import build_session, prewarm
from agent_runtime.voice.turns.floor import Floor
from fixtures.agents import sample_agent

EXAMPLES: Final = 500  # of each form
VALID: Final = sample_agent(
    "receptionist",
    sttConfig={"punctuate": False, "keyterm": ["Ada"], "fallbacks": [{"language": "de"}]},
    llmConfig={"max_tokens": 5, "top_p": 0.5, "fallbacks": [{"model": "m"}]},
    ttsConfig={"speed": 1.1, "textStreaming": "words", "fallbacks": [{"voiceId": "v"}]},
    turnDetectionConfig={
        "profile": "fast",
        "provider": "vad",
        "minDelay": 0.1,
        "speculation": True,
    },
    vadConfig={"provider": "silero"},
    mcpConfig={"servers": []},
    livekitConfig={"url": "wss://x", "apiKey": "k", "apiSecret": "s"},
)
VALID_FILE: Final = {
    "agent_id": "front_desk",
    "name": "Front desk",
    "first_message": "Hello",
    "system_instructions": "Be brief.",
    "guardrails": "No advice.",
    "llm_config": {
        "provider": "openai",
        "model": "m",
        "temperature": 1,
        "custom_params": {"top_p": 1},
    },
    "tts_config": {"provider": "cartesia", "voice_id": "v", "language": "en", "speed": 1.5},
    "stt_config": {
        "provider": "deepgram",
        "custom_params": {"punctuate": True, "keyterm": ["Ada"]},
    },
    "vad_config": {"provider": "silero"},
    "turn_detection_config": {"max_endpointing_delay": 2, "interruptAfter": 1},
    "memory_config": {"enabled": True, "max_history": 5},
    "tools": ["end_call", {"name": "x", "type": "webhook", "api_spec": {"url": "https://x"}}],
    "mcp_servers": [{"url": "https://m", "headers": {"a": "b"}}],
    "completion_webhook": {"url": "https://w", "timeout": 3},
    "interruption_handling": False,
    "metadata": {"a": [1, {"b": None}]},
    "own": ["key"],
}
HOSTILE: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            " ",
            "deepgram",
            "OPENAI",
            "cartesia",
            "{{x",
            "{% for %}",
            "en",
            "de_DE",
            "multi",
            "***",
        ]
    ),
)
VALUES: Final = st.recursive(
    HOSTILE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["provider", "enabled", "name", "url", "model"]), st.text()),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


def objects(section: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with keys of the section, spelled in several ways, and keys of nobody."""
    known = {}
    for key, field in by_key(section).items():
        inner = section_of(field)
        value = VALUES if inner is None else st.one_of(VALUES, objects(inner))
        known[key] = st.one_of(value, st.lists(objects(inner), max_size=2)) if inner else value
    other = st.dictionaries(
        st.one_of(
            st.text(max_size=12), st.sampled_from([*known, "api_key", "BASE-URL", "custom_params"])
        ),
        VALUES,
        max_size=2,
    )
    return st.builds(
        lambda one, two: {**two, **one}, st.fixed_dictionaries({}, optional=known), other
    )


def paths_in(given: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value."""
    inner: Any = given.items() if isinstance(given, dict) else enumerate(given)
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths_in(value, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> dict[str, Any]:
    """Some keys of a valid configuration, with up to two of its values replaced by hostile ones."""
    paths = list(paths_in(valid))
    kept = draw(st.sets(st.sampled_from(sorted(valid)), min_size=3))
    config = deepcopy({key: value for key, value in valid.items() if key in kept})
    for _ in range(draw(st.integers(0, 2))):
        *way, last = draw(st.sampled_from(paths))
        inside: Any = config
        for step in way:
            inside = inside.get(step) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[last] = draw(VALUES)
    return config


@dataclass(frozen=True, slots=True)
class Machine:
    """What registers configurations and builds pipelines from them."""

    settings: VoiceSettings
    process: JobProcess
    loop: asyncio.Runner

    def examine(self, config: Mapping[str, Any]) -> None:
        """Do with a configuration what registration, `agents show` and a call's start do.

        Raises InvalidAgentConfig at registration, and nothing afterwards.
        """
        parsed = checked(config, self.settings.providers, Templates())
        without_effect(config)
        to_file(config)
        defaults = Defaults(self.settings.providers, Profile.BALANCED, 100)
        merged = Templates().resolved(config)
        in_force(merged, [Layer("registration", config), Layer("template", merged)], defaults)
        try:
            self.loop.run(self._build(parsed))
        except InvalidAgentConfig as error:
            raise AssertionError("refused when a caller was waiting") from error

    async def _build(self, config: AgentConfig) -> None:
        pace = pace_of(config, Profile.BALANCED)
        build_session(config, pace, Floor(), self.settings, self.process)


@pytest.fixture(scope="module")
def process() -> JobProcess:
    """A job process that is prewarmed."""
    made = JobProcess(executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None)
    prewarm(made)
    return made


@pytest.fixture
def machine(voice_settings: VoiceSettings, process: JobProcess) -> Iterator[Machine]:
    """A machine whose workers have a key for each default provider."""
    with asyncio.Runner() as loop:
        yield Machine(voice_settings, process, loop)


def refused_with_paths(error: InvalidAgentConfig) -> None:
    """Each fault has a path that begins with a key; only two spellings of one key have none on top."""
    assert error.issues
    for issue in error.issues:
        assert issue.message
        if issue.path:
            assert isinstance(issue.path[0], str)
        else:
            assert "same key" in issue.message


ONE_AFTER_ANOTHER: Final = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@ONE_AFTER_ANOTHER
@given(config=st.one_of(objects(AgentConfig), mutated(VALID)))
def test_registered_configurations(machine: Machine, config: dict[str, Any]) -> None:
    """A registered form is refused when it is registered, or a call can be built from it."""
    try:
        machine.examine(config)
    except InvalidAgentConfig as error:
        refused_with_paths(error)


@ONE_AFTER_ANOTHER
@given(config=st.one_of(objects(FileForm), mutated(VALID_FILE)))
def test_files(machine: Machine, config: dict[str, Any]) -> None:
    """A file is refused when it is read, or a call can be built from it."""
    try:
        machine.examine(read(config).config)
    except InvalidAgentConfig as error:
        refused_with_paths(error)
