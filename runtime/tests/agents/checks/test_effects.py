"""Warnings about the keys of a configuration that nothing acts on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.agents.fields import Section, by_key, has_effect, section_of
from agent_runtime.agents.model import AgentConfig
from fixtures.agents import sample_agent

CONTRACT: Final = Path(__file__).parents[4] / "openapi.yaml"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"name": "Ada", "systemPrompt": "Be brief.", "temperature": 0.5, "languages": ["de"]},
        {"visionEnabled": False, "avatarModel": None, "mcpConfig": {}, "somethingNew": ""},
        {"langfuseConfig": {"enabled": False, "publicKey": "pk"}},
        {"mcpConfig": {"servers": [], "gateway": None}},
        {"sttConfig": {"punctuate": False, "keyterm": ["Ada"], "fallbacks": [{"keyterm": ["Bo"]}]}},
    ],
)
def test_what_acts_or_asks_for_nothing_is_not_warned_about(config: dict[str, Any]) -> None:
    """Keys that act, options of the plugin, and keys that are null, false or empty give no warning."""
    assert without_effect(config) == []


@pytest.mark.parametrize(
    ("config", "key", "ending"),
    [
        ({"visionEnabled": True}, "visionEnabled", " yet"),
        ({"avatarModel": "b"}, "avatarModel", " yet"),
        ({"mcpConfig": {"servers": ["x"]}}, "mcpConfig", " yet"),
        ({"langfuseConfig": {"publicKey": "pk"}}, "langfuseConfig", " yet"),
        ({"resourceLimits": {"cpu": "500m"}}, "resourceLimits", " yet"),
        ({"llmConfig": {"language": "de"}}, "llmConfig.language", " yet"),
        ({"somethingNew": 0}, "somethingNew", ""),
        ({"": 1}, "", ""),
        ({"sttConfig": {"flavour": "mint"}}, "sttConfig.flavour", ""),
        ({"vadConfig": {"threshold": 0.5}}, "vadConfig.threshold", ""),
        (
            {"ttsConfig": {"fallbacks": [{}, {"provider": "cartesia", "pitch": 1}]}},
            "ttsConfig.fallbacks.1.pitch",
            "",
        ),
    ],
)
def test_a_key_without_effect_is_named(config: dict[str, Any], key: str, ending: str) -> None:
    """A key that asks for an effect and has none is named with its path; a known one is "not yet"."""
    assert without_effect(config) == [f"{key}: nothing acts on this key{ending}"]


def test_warnings_come_in_the_order_of_the_keys() -> None:
    """The builder's own form gives one warning for each such key, in the order in which they stand."""
    config = sample_agent("receptionist", resourceLimits={"cpu": "1"}, somethingNew=[1])
    assert [text.split(":")[0] for text in without_effect(config)] == [
        "resourceLimits",
        "somethingNew",
    ]


def paths(section: type[Section], before: str = "") -> Iterator[str]:
    """The paths of the fields that are marked as without effect."""
    for key, field in by_key(section).items():
        inner = section_of(field)
        if not has_effect(field):
            yield before + key
        elif inner is not None:
            yield from paths(inner, f"{before}{key}.")


def test_the_contract_lists_the_same_keys() -> None:
    """`x-without-effect` of openapi.yaml, by which the gate judges, holds the fields marked NO_EFFECT."""
    schemas = yaml.safe_load(CONTRACT.read_text("utf-8"))["components"]["schemas"]
    listed = schemas["Registered"]["properties"]["warnings"]["x-without-effect"]
    assert sorted(listed) == sorted(paths(AgentConfig))
