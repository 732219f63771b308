"""What a call waits for while its configuration is resolved; docs/sources.md has the figures."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.instructions import fill_texts, instructions
from agent_runtime.agents.templates import BUILT_IN, Templates
from agent_runtime.text.variables.language import compiled

NAMES: Final = [file.stem for file in sorted(BUILT_IN.glob("*.json"))]
# Milliseconds of CPU time; a job compiles each text once.
GOAL: Final = 5.0


def resolve(config: dict[str, Any]) -> str:
    """The instructions of a call, from its agent's registration."""
    form = parse_registered(Templates().resolved(config))
    values = {"variables": {"company": "Acme", "customer_name": "Ada"}}
    now = datetime.now(UTC)
    return instructions(fill_texts(form, values, now).config, now)


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_is_resolved_within_5_ms(name: str) -> None:
    """Template, checks, compilation, variables and instructions, at the best of twenty times."""
    found = []
    for _ in range(20):
        compiled.cache_clear()
        began = time.process_time()
        resolve({"extends": name})
        found.append((time.process_time() - began) * 1000)
    print(f"{name}: {min(found):.1f} ms")
    assert min(found) < GOAL


def test_a_plain_configuration_costs_next_to_nothing() -> None:
    """Without variables and templates it takes a twentieth of that."""
    found = []
    for _ in range(50):
        began = time.process_time()
        resolve({"systemPrompt": "Be kind.", "initialGreeting": "Hello."})
        found.append((time.process_time() - began) * 1000)
    assert min(found) < GOAL / 20
