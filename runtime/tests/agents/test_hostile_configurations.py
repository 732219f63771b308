"""Whatever a configuration holds: it is registered and built, or refused with a path for each fault."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.agents import parse_registered
from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.agents.fields import by_key, section_of
from agent_runtime.agents.forms.any_form import read
from agent_runtime.agents.forms.file import to_file
from agent_runtime.agents.forms.file_shape import FileForm
from agent_runtime.agents.in_force import Defaults, Layer, in_force
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import pace_of
from agent_runtime.agents.sections import Profile
from agent_runtime.domain.errors import InvalidAgentConfig

EXAMPLES: Final = 500  # of each form
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


def examined(config: dict[str, Any]) -> None:
    """Do with an accepted configuration what registration, `agents show` and a call's start do."""
    parsed = parse_registered(config)
    for choice in (parsed.stt, parsed.llm, parsed.tts):
        assert choice.provider
    pace_of(parsed, Profile.BALANCED)
    without_effect(config)
    to_file(config)
    in_force(config, [Layer("registration", config)], Defaults({}, Profile.BALANCED, 100))


def refused_with_paths(error: InvalidAgentConfig, given_form: dict[str, Any]) -> None:
    """Each fault begins with a key that is in the configuration; one without a path is of two spellings."""
    assert error.issues
    for issue in error.issues:
        assert issue.message
        if issue.path:
            assert isinstance(issue.path[0], str)
        else:
            assert "same key" in issue.message
    del given_form


@settings(max_examples=EXAMPLES)
@given(config=objects(AgentConfig))
def test_registered_configurations(config: dict[str, Any]) -> None:
    """A registered form is accepted as a whole or refused; nothing else happens."""
    try:
        parse_registered(config)
    except InvalidAgentConfig as error:
        refused_with_paths(error, config)
    else:
        examined(config)


@settings(max_examples=EXAMPLES)
@given(config=objects(FileForm))
def test_files(config: dict[str, Any]) -> None:
    """A file is accepted as a whole or refused; nothing else happens."""
    try:
        document = read(config)
    except InvalidAgentConfig as error:
        refused_with_paths(error, config)
    else:
        examined(dict(document.config))
