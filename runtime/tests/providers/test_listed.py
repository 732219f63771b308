"""The files that list providers for people agree with the specs; a failure prints what is right."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.registry import available, specs

ROOT: Final = Path(__file__).parents[3]
SCHEMAS: Final[dict[str, Any]] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))[
    "components"
]["schemas"]
AGENT: Final = SCHEMAS["AgentConfig"]["properties"]
PLACES: Final = {
    Stage.STT: (
        AGENT["sttProvider"],
        SCHEMAS["SttOptions"]["properties"]["fallbacks"]["items"]["properties"]["provider"],
    ),
    Stage.LLM: (
        AGENT["llmProvider"],
        SCHEMAS["LlmOptions"]["properties"]["fallbacks"]["items"]["properties"]["provider"],
    ),
    Stage.TTS: (
        AGENT["ttsProvider"],
        SCHEMAS["SpeechOptions"]["properties"]["fallbacks"]["items"]["properties"]["provider"],
    ),
    Stage.VAD: (AGENT["vadConfig"]["properties"]["provider"],),
    Stage.TURN: (AGENT["turnDetectionConfig"]["properties"]["provider"],),
}


def pattern_of(names: tuple[str, ...]) -> str:
    """The pattern of any of these names, in any letter case, or nothing."""
    folded = (
        "".join(f"[{c.upper()}{c}]" if c.isalpha() else re.escape(c) for c in name)
        for name in names
    )
    return f"^({'|'.join(folded)})?$".replace("\\-", "-")


@pytest.mark.parametrize("stage", Stage)
def test_the_contract_has_every_provider(stage: Stage) -> None:
    """openapi.yaml takes the names that the registry takes, in any letter case, and no other."""
    first, *fallbacks = PLACES[stage]
    assert first["examples"] == list(available(stage))
    for place in (first, *fallbacks):
        assert place["pattern"] == pattern_of(available(stage))


def test_the_contract_has_every_option() -> None:
    """openapi.yaml lists the options of each provider, the default provider first."""
    listed = SCHEMAS["Registered"]["properties"]["warnings"]["x-provider-options"]
    for stage in (Stage.STT, Stage.LLM, Stage.TTS):
        options = listed[f"{stage.name.lower()}Config"]
        assert list(options) == list(available(stage))
        assert options == {
            name: sorted(specs()[name].stages[stage].options) for name in available(stage)
        }


def test_the_example_file_explains_each_variable_in_the_words_of_its_spec() -> None:
    """In .env.example each variable of a provider has the help of its spec above it."""
    example = (ROOT / ".env.example").read_text("utf-8")
    for spec in specs().values():
        for variable in spec.variables():
            assert f"# {variable.help}\n{variable.name}={variable.default}\n" in example


def test_the_tables_of_the_docs_follow_from_the_code() -> None:
    """docs/agents.md and docs/providers.md hold the tables that `python docs/tables.py` writes."""
    script = runpy.run_path(str(ROOT / "docs/tables.py"))
    catalogue = (ROOT / "docs/providers.md").read_text("utf-8")
    assert "<!-- table: catalogue -->" in catalogue
    assert catalogue == script["updated"](catalogue)
    page = (ROOT / "docs/agents.md").read_text("utf-8")
    assert page == script["updated"](page)
    assert all(f"<!-- table: {name} -->" in page for name in script["TABLES"])
