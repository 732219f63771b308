"""Variables of an agent's texts over HTTP: given at create, checked there, and private."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fixtures.runtime_client.judged_api import JudgedApi
from runtime.tests.api.start import StartApi

HELLO = {"initialGreeting": "Hello {{customer_name}}, {{ plan | default('welcome') }}."}


def registered(api: JudgedApi, **config: Any) -> int:
    """A new agent with this configuration."""
    agent_id = api.new_id()
    assert api.register(agent_id, **config).status == 200
    return agent_id


def test_a_variable_that_nobody_fills_is_named(api: JudgedApi) -> None:
    """Create is 400 and names variable, text and remedy; nothing is stored, and no place is taken."""
    agent_id = registered(api, **HELLO, guardrails="{{ rules.first }}", maxConcurrentSessions=1)
    answer = api.create(agent_id)
    assert answer.status == 400
    assert answer.error == (
        "no value for rules.first, which guardrails needs; no value for customer_name, which "
        "initialGreeting needs: give them in `variables`, or give each a default: "
        "{{ name | default('there') }}"
    )
    given = {"customer_name": "Ada", "rules": {"first": "Be kind."}}
    assert api.create(agent_id, variables=given).status == 200
    assert api.create(agent_id, variables=given).error == (
        f"Agent {agent_id} is at capacity (1 sessions)"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"variables": {"customer_name": "Ada"}},
        {"variables": {"CustomerName": "Ada"}},
        {"variables": {"agent_data": {"customer_name": "Ada"}}},
    ],
)
def test_a_create_gives_values(api: JudgedApi, given: dict[str, Any]) -> None:
    """Any spelling of the name counts, and agent data as well."""
    assert api.create(registered(api, **HELLO), **given).status == 200


def test_a_name_is_a_value_as_well(api: JudgedApi) -> None:
    """`participantName` fills `{{participantName}}`; without it the create is refused."""
    agent_id = registered(api, systemPrompt="You talk to {{participant_name}}.")
    assert api.create(agent_id, participantName="Ada").status == 200
    assert "no value for participant_name" in api.create(agent_id).error


def test_a_plain_agent_takes_variables_that_nobody_needs(api: JudgedApi) -> None:
    """What a text does not name is no fault."""
    assert api.create(registered(api), variables={"a": [1, {"b": None}]}).status == 200


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (None, "Invalid input: expected object, received null"),
        (["a"], "Invalid input: expected object, received array"),
        ("a", "Invalid input: expected object, received string"),
        ({"a": "x" * 17_000}, "Too big: expected object to have <=16384 bytes as JSON"),
    ],
)
def test_variables_are_a_bounded_object(api: JudgedApi, variables: Any, message: str) -> None:
    """Anything else is 400 at `variables`."""
    (issue,) = json.loads(api.create(registered(api), variables=variables).error)
    assert (issue["path"], issue["message"]) == (["variables"], message)


def test_a_template_that_runs_away_is_refused_at_create(api: JudgedApi) -> None:
    """Values that make a text's loops endless are 400 at once, with the text's name."""
    loop = "{% for a in l %}{% for b in l %}x{% endfor %}{% endfor %}"
    agent_id = registered(api, systemPrompt=loop)
    error = api.create(agent_id, variables={"l": ["x"] * 3000}).error
    assert "the template takes too long" in error
    assert "systemPrompt" in error


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Answer in {{ curly braces }}.", "expected token 'end of print statement', got 'braces'"),
        ("{% for i in range(9) %}x{% endfor %}", "templates cannot use call"),
        ("{{ ''.__class__ }}", "no variable's name begins with _"),
    ],
)
def test_stray_braces_are_a_warning_and_no_error(api: JudgedApi, text: str, why: str) -> None:
    """A text that is no template registers as before, with a warning, and needs no value at create."""
    answer = api.register(agent_id := api.new_id(), systemPrompt=text).json
    (warning,) = answer["warnings"]
    assert warning == (
        f"systemPrompt: is no template, so only plain names in it are filled: line 1: {why}"
    )
    assert api.create(agent_id).status == 200


def test_registering_again_changes_what_is_checked(api: JudgedApi) -> None:
    """The check follows the present registration."""
    agent_id = registered(api, **HELLO)
    assert api.create(agent_id).status == 400
    api.register(agent_id, initialGreeting="Hello.")
    assert api.create(agent_id).status == 200
    api.register(agent_id, **HELLO)
    assert api.create(agent_id).status == 400


def test_a_registration_may_extend_a_template(api: JudgedApi) -> None:
    """A built-in template needs no value; an unknown one is 400 at `extends`, with those that there are."""
    assert api.create(registered(api, extends="receptionist")).status == 200
    (issue,) = json.loads(api.register(api.new_id(), extends="nobody").error)
    assert issue["path"] == ["config", "extends"]
    assert (
        "there is no template nobody; there are appointment, collections-reminder"
        in issue["message"]
    )


def test_the_operators_templates_are_read(start_api: StartApi, tmp_path: Path) -> None:
    """AGENT_CONFIG_DIR/templates has further templates, whose variables are checked, too."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "ours.json").write_text(
        json.dumps({"extends": "survey", "systemPrompt": "{{ team }}", "maxConcurrentSessions": 3})
    )
    with start_api(AGENT_CONFIG_DIR=str(tmp_path)) as api:
        agent_id = registered(api, extends="ours")
        assert api.send("GET", f"/api/agents/{agent_id}").json["maxSessions"] == 3
        assert "no value for team, which systemPrompt needs" in api.create(agent_id).error
        assert api.create(agent_id, variables={"team": "A"}).status == 200


def test_values_are_private(start_api: StartApi, tmp_path: Path) -> None:
    """Values stand in the live session, for an agent that takes over, and in no other table and no log."""
    file = tmp_path / "private.sqlite3"
    with start_api(DATABASE_URL=f"sqlite:///{file}", LOG_LEVEL="DEBUG") as api:
        agent_id = registered(api, **HELLO)
        api.create(agent_id, variables={"plan": "4711-secret"})
        created = api.create(agent_id, variables={"customer_name": "4711-secret"})
        session_id = created.json["session"]["sessionId"]
        assert tables_with(file, "4711-secret") == ["runtime_live_sessions"]
        api.send("POST", f"/api/sessions/{session_id}/end")
        assert tables_with(file, "4711-secret") == []
        assert api.process is not None
        assert "4711-secret" not in api.process.log_path.read_text()


def tables_with(file: Path, text: str) -> list[str]:
    """The tables of the database that hold the text somewhere."""
    with sqlite3.connect(file) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables}
    return [name for name, found in rows.items() if text in str(found)]
