"""The JSON Schemas of the forms accept what the forms accept, and the published ones are current."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from agent_runtime.agents.fields import by_key
from agent_runtime.agents.forms.document import Form
from agent_runtime.agents.forms.json_schema import json_schema, schemas
from agent_runtime.agents.model import AgentConfig
from fixtures.agents import sample_agent

PUBLISHED: Final = Path(__file__).parents[4] / "docs" / "schemas"


def faults(form: Form, given: dict[str, Any]) -> list[str]:
    """The paths of the faults that the schema finds."""
    found = Draft202012Validator(json_schema(form)).iter_errors(given)
    return [".".join(map(str, fault.absolute_path)) for fault in found]


@pytest.mark.parametrize("form", [Form.REGISTERED, Form.FILE])
def test_the_published_schema_is_current(form: Form) -> None:
    """docs/schemas holds what `agent-runtime agents schema --form FORM` prints."""
    published = (PUBLISHED / f"agent-{form.value}.schema.json").read_text("utf-8")
    assert json.loads(published) == json_schema(form)
    Draft202012Validator.check_schema(json_schema(form))


def test_the_schema_has_every_field() -> None:
    """No field of the definition is missing in the schema."""
    assert set(schemas()["registered"]["properties"]) == set(by_key(AgentConfig))


def test_what_loads_is_valid() -> None:
    """A registered agent, a file with bare tool names, nulls and keys of one's own are valid."""
    assert faults(Form.REGISTERED, sample_agent("receptionist")) == []
    assert faults(Form.REGISTERED, dict.fromkeys(by_key(AgentConfig))) == []
    given = {
        "tools": ["end_call", {"name": "x"}],
        "llm_config": None,
        "memory_config": {},
        "own": 1,
    }
    assert faults(Form.FILE, given) == []


@pytest.mark.parametrize(
    ("form", "given", "path"),
    [
        (Form.REGISTERED, {"temperature": 3}, "temperature"),
        (Form.REGISTERED, {"maxConcurrentSessions": 0}, "maxConcurrentSessions"),
        (Form.REGISTERED, {"sttConfig": []}, "sttConfig"),
        (Form.FILE, {"llm_config": {"temperature": 3}}, "llm_config.temperature"),
        (Form.FILE, {"llm_config": {"max_tokens": 0}}, "llm_config.max_tokens"),
        (Form.FILE, {"memory_config": {"type": "x"}}, "memory_config.type"),
        (Form.FILE, {"tools": [{}]}, "tools.0"),
    ],
)
def test_what_does_not_load_is_not_valid(form: Form, given: dict[str, Any], path: str) -> None:
    """Bounds and types of the definition are in the schema."""
    assert [path.startswith(fault) for fault in faults(form, given)] == [True]
