"""Agents in files: found by their id, all faults at once, checked when they change."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from agent_runtime.agents.sources import ConfigFiles, DocumentReader
from agent_runtime.agents.sources.file_ids import FileTextIds
from agent_runtime.agents.templates import Templates
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.storage import StoredTextIds, open_database


@pytest.fixture
def files(tmp_path: Path) -> ConfigFiles:
    """An empty folder of agents."""
    return ConfigFiles(tmp_path, DocumentReader(Templates(tmp_path / "templates")))


async def test_an_agent_is_found_by_its_id(files: ConfigFiles, tmp_path: Path) -> None:
    """A file is read for each call, so a change counts at once; without a file there is no agent."""
    assert await files.find(7) is None
    (tmp_path / "7.json").write_text('{"systemPrompt": "A"}')
    first = await files.find(7)
    (tmp_path / "7.json").write_text('{"systemPrompt": "B", "extends": "survey"}')
    second = await files.find(7)
    assert first is not None
    assert second is not None
    assert (first.agent.config.system_prompt, second.agent.config.system_prompt) == ("A", "B")
    assert (second.agent.config.name, second.path) == ("Survey", tmp_path / "7.json")


async def test_the_file_form_is_read(tmp_path: Path) -> None:
    """A file by the words of the file form has its sections, and a name that is a text gets a number."""
    (tmp_path / "clinic_v1.json").write_text(
        json.dumps(
            {
                "agent_id": "clinic_v1",
                "extends": "survey",
                "system_instructions": "Be kind.",
                "first_message": None,
                "guardrails": "No advice.",
                "agent_data": {"questions": [{"text": "Why?"}]},
            }
        )
    )
    database = open_database(f"sqlite:///{tmp_path / 'a.sqlite3'}", prepare=True, pool_size=1)
    text_ids = FileTextIds(StoredTextIds(database), tmp_path)
    files = ConfigFiles(tmp_path, DocumentReader(Templates()), text_ids)
    assert await text_ids.number("nobody") is None
    number = await text_ids.number("clinic_v1")
    assert number is not None
    assert await text_ids.number("clinic_v1") == number
    assert await files.find(number + 1) is None
    found = await files.find(number)
    await database.close()
    assert found is not None
    config = found.agent.config
    assert (config.system_prompt, config.guardrails, config.greeting) == (
        "Be kind.",
        "No advice.",
        None,
    )
    assert (config.speech_guidance, config.agent_data) == (True, {"questions": [{"text": "Why?"}]})


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{"temperature": 9, "sttProvider": "x", "timezone": "Moon"}', 3),
        ("{", 1),
        ("[]", 1),
        ('{"extends": "nobody"}', 1),
        ('{"a":"' + "x" * 2**20 + '"}', 1),
    ],
)
async def test_all_faults_of_a_file_are_named(
    files: ConfigFiles, tmp_path: Path, text: str, faults: int
) -> None:
    """The refusal has every faulty field, or says why the file cannot be read."""
    (tmp_path / "7.json").write_text(text)
    with pytest.raises(InvalidAgentConfig) as caught:
        await files.find(7)
    assert len(caught.value.issues) == faults
    assert list(files.check()) == [tmp_path / "7.json"]


async def test_a_change_is_checked_at_once(
    files: ConfigFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker logs the faults of all files at its start, and those of each file that changes."""
    (tmp_path / "1.json").write_text('{"temperature": 9}')
    with caplog.at_level(logging.INFO, logger="agent_runtime"):
        watching = asyncio.create_task(files.watch())
        await until(caplog, "1.json: temperature: ")
        for number, (text, line) in enumerate(
            [
                (
                    json.dumps({"temperature": "hot", "timezone": "Moon"}),
                    "timezone: 'Moon' is no IANA",
                ),
                ("{}", "2.json: changed; calls that begin from now on use it"),
            ]
        ):
            await rewritten(tmp_path / "2.json", text, caplog, line)
            assert caplog.text.count(line) >= 1, number
        (tmp_path / "2.json").unlink()
        await until(caplog, "2.json: deleted")
        watching.cancel()
        await asyncio.wait([watching])


async def until(caplog: pytest.LogCaptureFixture, line: str) -> None:
    """Wait until the line is logged."""
    async with asyncio.timeout(20):
        while line not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.02)


async def rewritten(file: Path, text: str, caplog: pytest.LogCaptureFixture, line: str) -> None:
    """Write the file until the watch, which begins at a time of its own, has seen it."""
    async with asyncio.timeout(20):
        while line not in caplog.text:
            file.write_text(text)  # noqa: ASYNC240 - nothing else runs here
            await asyncio.sleep(0.5)
