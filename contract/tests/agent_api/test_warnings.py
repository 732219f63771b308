"""What the gate takes from openapi.yaml about keys of a configuration without effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from contract.agent_api.model.warnings import Warnings
from contract.api.specification import Specification

SPEC: Final = Specification.load(Path(__file__).parents[3] / "openapi.yaml")


@pytest.mark.parametrize(
    ("config", "warnings"),
    [
        (None, []),
        ("text", []),
        ({}, []),
        ({"visionEnabled": False, "mcpConfig": {"a": None}, "other": []}, []),
        ({"langfuseConfig": {"enabled": False, "publicKey": "pk"}}, []),
        ({"sttConfig": {"punctuate": False, "fallbacks": [{"keyterm": ["Ada"]}]}}, []),
        (
            {"other": 0, "visionEnabled": True},
            ["other: nothing acts on this key", "visionEnabled: nothing acts on this key yet"],
        ),
        (
            {"sttProvider": "DeepGram", "sttConfig": {"flavour": 1, "fallbacks": [{}, {"x": "y"}]}},
            [
                "sttConfig.flavour: nothing acts on this key",
                "sttConfig.fallbacks.1.x: nothing acts on this key",
            ],
        ),
        (
            {"llmConfig": {"language": "de"}},
            ["llmConfig.language: nothing acts on this key yet"],
        ),
    ],
)
def test_warnings_follow_from_the_contract(config: Any, warnings: list[str]) -> None:
    """A key that is set is warned about when the contract lists it as without effect, or not at all."""
    assert Warnings(SPEC.document).of(config) == warnings
