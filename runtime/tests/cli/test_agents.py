"""The command `agents`, as an operator uses it: files, numbers, versions, exit codes."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from agent_runtime.cli.main import main

EXAMPLE: Final = Path(__file__).parents[3] / "docs" / "examples" / "clinic_front_desk_v1.json"


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def agents(*arguments: str | Path) -> Ended:
    """Run `agent-runtime agents` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["agents", *map(str, arguments)])
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the command, with a database of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'agents.sqlite3'}")
    return tmp_path


def written(folder: Path, name: str, **content: Any) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def test_the_documented_example_is_valid_without_a_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`validate` needs no database, and names what has no effect."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    ended = agents("validate", EXAMPLE)
    assert ended.code == 0, ended.out
    assert "personality_traits" in ended.out
    assert not list(folder.glob("*.sqlite3"))


def test_faults_are_named_with_file_and_path(folder: Path) -> None:
    """A file that is not valid makes exit code 1; the other files are checked all the same."""
    bad = written(folder, "bad.json", llm_config={"temperature": 3}, tools=[{}])
    ended = agents("validate", bad, EXAMPLE, folder / "none.json")
    assert ended.code == 1
    assert "bad.json: not valid" in ended.out
    assert "  llm_config.temperature: " in ended.out
    assert "  tools.0.name: is required" in ended.out
    assert f"{EXAMPLE}: valid" in ended.out
    assert "cannot be read: No such file" in ended.out
    report = agents("validate", "--json", bad).json
    assert report[0]["valid"] is False
    assert {tuple(issue["path"]) for issue in report[0]["issues"]} == {
        ("llm_config", "temperature"),
        ("tools", 0, "name"),
    }


def test_an_address_that_may_not_be_called_is_refused(folder: Path) -> None:
    """What registration refuses is not valid: an address without a key of its own."""
    bad = written(folder, "bad.json", llm_config={"base_url": "https://llm.example.org/v1"})
    ended = agents("validate", bad)
    assert ended.code == 1
    assert "llm_config.base_url: " in ended.out


def test_a_text_id_gets_a_number_once_and_stays_usable() -> None:
    """The number is the same after another import, and commands accept text and number."""
    first = agents("import", "--json", EXAMPLE).json[0]
    assert (first["textId"], first["version"]) == ("clinic_front_desk_v1", 1)
    again = agents("import", "--json", EXAMPLE).json[0]
    assert (again["agentId"], again["version"]) == (first["agentId"], 1)
    listed = agents("list", "--json").json
    assert [(one["agentId"], one["textId"]) for one in listed] == [
        (first["agentId"], "clinic_front_desk_v1")
    ]
    assert agents("show", "clinic_front_desk_v1").out == agents("show", str(first["agentId"])).out


def test_a_file_without_an_id_has_its_name_for_one(folder: Path) -> None:
    """`7.json` is agent 7, `sales.json` the agent "sales"; a name that is no id is refused."""
    content = {"system_instructions": "Sell."}
    assert agents("import", "--json", written(folder, "7.json", **content)).json[0]["agentId"] == 7
    assert agents("import", written(folder, "sales.json", **content)).code == 0
    ended = agents("import", written(folder, "my agent.json", **content))
    assert ended.code == 1
    assert "agent_id: is required" in ended.out


def test_nothing_is_imported_when_one_file_is_not_valid(folder: Path) -> None:
    """An import is for all of its files or for none."""
    bad = written(folder, "bad.json", llm_config=[])
    assert agents("import", EXAMPLE, bad).code == 1
    assert agents("list").out == ""


def test_every_form_is_imported(folder: Path) -> None:
    """The body of a registration keeps its number and tenant, as does a row; v0 is reported."""
    body = written(folder, "a.json", agentId=7, tenantId=3, config={"voiceId": "v"})
    row = written(
        folder, "b.json", id=8, tenant_id=4, stt_provider="deepgram", llm_provider="openai"
    )
    flat = written(folder, "c.json", model="gpt-4o", instructions="Be brief.", voice="v")
    ended = agents("import", body, row, flat, "--json")
    assert ended.code == 0, ended.out
    assert [one["form"] for one in ended.json] == ["registered", "row", "v0"]
    assert "model: is llmModel now" in ended.json[2]["changes"]
    listed = [(one["agentId"], one["tenantId"]) for one in agents("list", "--json").json]
    assert listed[:2] == [(7, 3), (8, 4)]


def test_export_gives_back_what_was_imported(folder: Path) -> None:
    """Exported as a file and imported again, the content is the same and makes no version."""
    agents("import", EXAMPLE)
    exported = folder / "again.json"
    exported.write_text(agents("export", "clinic_front_desk_v1", "--form", "file").out)
    assert agents("import", exported, "--json").json[0]["version"] == 1
    registered = agents("export", "clinic_front_desk_v1").json
    assert registered["config"]["systemPrompt"].startswith("You answer")


def test_secrets_are_hidden_unless_asked_for_by_name(folder: Path) -> None:
    """Export, show and diff hide keys and headers; a hidden one cannot be imported again."""
    content = {
        "llm_config": {"api_key": "sk-1"},
        "stt_config": {"api_key": "dg-1"},
        "mcp_servers": [{"url": "https://m", "headers": {"X": "h-1"}}],
    }
    agents("import", written(folder, "7.json", **content))
    agents("import", written(folder, "8.json", **content, description="other"))
    shown = agents("export", "7").out + agents("show", "7").out + agents("show", "7", "--json").out
    other = written(folder, "9.json", llm_config={"api_key": "sk-2"})
    shown += agents("diff", "7", other).out
    for secret in ("sk-1", "dg-1", "h-1", "sk-2"):
        assert secret not in shown
    some = agents(
        "export", "7", "--secret", "llmConfig.apiKey", "--secret", "llmConfig.api_key"
    ).out
    assert "sk-1" in some
    assert "dg-1" not in some
    hidden = folder / "hidden.json"
    hidden.write_text(agents("export", "7", "--form", "file").out)
    assert "stt_config.api_key: is ***" in agents("validate", hidden).out


def test_show_names_the_source_of_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values come from the registration, a setting, the profile or a default, and the output says which."""
    monkeypatch.setenv("STT_MODEL", "nova-2")
    agents("import", EXAMPLE)
    found = agents("show", "clinic_front_desk_v1", "--json").json
    assert found["temperature"] == {"value": 0.4, "source": "registration, version 1"}
    assert found["sttConfig.model"] == {"value": "nova-2", "source": "STT_MODEL"}
    assert found["turnDetectionConfig.maxDelay"]["value"] == 2.0
    assert found["turnDetectionConfig.minDelay"]["source"] == "profile balanced"
    assert found["vadConfig.provider"] == {"value": "bundled", "source": "default"}
    assert found["maxConcurrentSessions"]["source"] == "MAX_SESSIONS_PER_AGENT"


def test_show_prints_the_instructions_and_follows_templates(folder: Path) -> None:
    """`--prompt` has the sections in order, variables filled; a value of a template names it."""
    agents("import", written(folder, "7.json", extends="survey", guardrails="No {{ x }} advice."))
    prompt = agents("show", "7", "--prompt").out
    assert prompt.startswith("You hold a short survey for our company about its service.\n")
    assert "\n\n# Guardrails\nNo advice." in prompt
    assert "{" not in prompt
    found = agents("show", "7", "--json").json
    assert found["systemPrompt"]["source"] == "template survey"
    assert found["guardrails"]["source"] == "registration, version 1"


def test_show_finds_agents_of_other_sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent of a file is shown by its text id, and its values name the file."""
    written(folder, "desk.json", system_instructions="Sell.", first_message="Hi.")
    monkeypatch.setenv("AGENT_CONFIG_DIR", str(folder))
    found = agents("show", "desk", "--json").json
    assert found["systemPrompt"] == {"value": "Sell.", "source": f"file {folder / 'desk.json'}"}


def test_versions_are_listed_compared_and_taken_back(folder: Path) -> None:
    """`history` lists them, `diff` compares two, `rollback` puts an earlier content in force."""
    for prompt in ("one", "two"):
        agents("import", written(folder, "desk.json", system_instructions=prompt))
    compared = agents("diff", "desk@1", "desk")
    assert compared.code == 1
    assert compared.out == '- systemPrompt: "one"\n+ systemPrompt: "two"\n'
    assert agents("rollback", "desk", "1").code == 0
    assert agents("diff", "desk@1", "desk").code == 0
    history = agents("history", "desk", "--json").json
    assert [(one["version"], one["origin"]) for one in history] == [
        (3, "rolled back to version 1"),
        (2, "imported from desk.json"),
        (1, "imported from desk.json"),
    ]
    assert agents("export", "desk", "--version", "2").json["config"]["systemPrompt"] == "two"


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nobody"),
        ("export", "9"),
        ("history", "9"),
        ("rollback", "9", "1"),
        ("show", "a b"),
    ],
)
def test_an_unknown_agent_is_one_line_and_exit_code_1(arguments: tuple[str, ...]) -> None:
    """No traceback: who is not known, and what helps."""
    ended = agents(*arguments)
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("agent-runtime: ")


def test_a_number_may_be_chosen_for_a_text_id(folder: Path) -> None:
    """`--id` gives the text the number that the platform knows the agent by; a taken one is refused."""
    assert agents("import", "--id", "7", EXAMPLE, "--json").json[0]["agentId"] == 7
    ended = agents("import", "--id", "7", written(folder, "sales.json", description="x"))
    assert ended.code == 1
    assert "taken" in ended.err


def test_the_schema_is_printed() -> None:
    """`agents schema` prints what docs/schemas holds."""
    assert agents("schema").json["title"] == "Agent, file form"
    assert agents("schema", "--form", "registered").json["title"] == "Agent, registered form"
