"""A configuration is completed by the templates that it extends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.agents.templates import Templates
from agent_runtime.agents.templates.merge import merged
from agent_runtime.domain.errors import InvalidAgentConfig


def library(folder: Path, **documents: Any) -> Templates:
    """The templates with these documents as the operator's own."""
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return Templates(folder)


@pytest.mark.parametrize(
    ("template", "own", "result"),
    [
        ({"name": "A"}, {"name": "B"}, {"name": "B"}),
        ({"name": "A"}, {"name": None}, {}),
        ({"name": "A"}, {}, {"name": "A"}),
        ({"languages": ["en", "de"]}, {"languages": ["fr"]}, {"languages": ["fr"]}),
        (
            {"llmConfig": {"model": "m", "max_tokens": 9}},
            {"llm_config": {"max_tokens": None, "baseURL": "b"}},
            {"llmConfig": {"model": "m", "baseUrl": "b"}},
        ),
        (
            {"agentData": {"a": {"b": 1, "c": [1]}}},
            {"agentData": {"a": {"b": None, "c": [2], "d": {"e": None}}}},
            {"agentData": {"a": {"c": [2], "d": {}}}},
        ),
        ({"system_prompt": "A"}, {"systemPrompt": "B"}, {"systemPrompt": "B"}),
        ({"llmConfig": "?"}, {"llmConfig": {"model": "m"}}, {"llmConfig": {"model": "m"}}),
    ],
)
def test_objects_merge_lists_replace_and_null_removes(
    template: dict[str, Any], own: dict[str, Any], result: dict[str, Any]
) -> None:
    """The rules hold at every depth, and for every spelling of a key."""
    assert merged(template, own) == result


def test_a_chain_is_merged_from_its_far_end(tmp_path: Path) -> None:
    """The agent wins over its template, and that one over the one that it extends."""
    templates = library(
        tmp_path,
        base={"name": "base", "systemPrompt": "base", "temperature": 0.1},
        ours={"extends": "base", "name": "ours", "systemPrompt": "ours"},
    )
    found = templates.resolved({"extends": "ours", "systemPrompt": "mine"})
    assert found == {"name": "ours", "systemPrompt": "mine", "temperature": 0.1}


def test_without_extends_nothing_changes(tmp_path: Path) -> None:
    """A plain configuration is returned as the same object; null and "" extend nothing."""
    plain = {"name": None}
    assert Templates(tmp_path).resolved(plain) is plain
    assert Templates(tmp_path / "missing").resolved({"extends": ""}) == {"extends": ""}


def test_the_operators_template_wins_over_the_packages(tmp_path: Path) -> None:
    """A file of the name of a built-in template takes its place."""
    templates = library(tmp_path, survey={"name": "ours"})
    assert templates.resolved({"extends": "survey"}) == {"name": "ours"}
    assert Templates().resolved({"extends": "survey"})["name"] == "Survey"
    assert Templates().resolved({"extends": "Lead_Qualification"})["name"] == "Lead qualification"


@pytest.mark.parametrize(
    ("documents", "extends", "message"),
    [
        ({}, "nobody", "extends: nobody: there is no template nobody; there are appointment, "),
        (
            {"a": {"extends": "b"}, "b": {"extends": "a"}},
            "a",
            "a > b > a: the templates extend each",
        ),
        ({"a": {"extends": "a"}}, "a", "a > a: the templates extend each other in a circle"),
        ({"a": {"extends": "gone"}}, "a", "a > gone: there is no template gone"),
        ({"a": []}, "a", "a: its file cannot be read: is no JSON object"),
        ({}, "../../etc/passwd", "extends: '../../etc/passwd' is no template's name"),
        ({}, 7, "extends: '7' is no template's name"),
        (
            {"a": {"llmConfig": {"baseUrl": "x", "base_url": "y"}}},
            "a",
            "are the same key and differ",
        ),
        ({f"t{n}": {"extends": f"t{n + 1}"} for n in range(20)}, "t0", "more than 10 templates"),
    ],
)
def test_a_faulty_chain_is_named(
    tmp_path: Path, documents: dict[str, Any], extends: Any, message: str
) -> None:
    """Unknown, circular, unreadable and far too many templates are refused at `extends`, with the chain."""
    templates = library(tmp_path, **documents)
    with pytest.raises(InvalidAgentConfig) as caught:
        templates.resolved({"extends": extends})
    assert message in str(caught.value)
    assert caught.value.issues[0].path == ("extends",)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    """The refusal has the place of the fault in the file."""
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(InvalidAgentConfig, match=r"bad: its file cannot be read: .* line 1"):
        Templates(tmp_path).resolved({"extends": "bad"})


def test_a_template_of_another_form_is_read(tmp_path: Path) -> None:
    """The reader of forms turns each document into the registered form before it is merged."""
    (tmp_path / "theirs.json").write_text('{"instructions": "Be kind."}')
    templates = Templates(tmp_path, lambda form: {"systemPrompt": form["instructions"]})
    config = parse_registered(templates.resolved({"extends": "theirs", "name": "Eve"}))
    assert (config.system_prompt, config.name) == ("Be kind.", "Eve")
