"""`agents validate` and `agents import`: files in any form, and a report on each."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from agent_runtime.agents.forms.any_form import MAX_FILE, load
from agent_runtime.agents.forms.document import Document, Form
from agent_runtime.agents.forms.text_ids import split_id
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.settings import Settings
from agent_runtime.wiring.agents import AgentStore, agent_store, check_config


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one file, and what became of it."""

    file: str
    document: Document | None = None
    issues: Sequence[ConfigIssue] = ()
    agent_id: int | None = None
    version: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        document = self.document
        found: dict[str, Any] = {"file": self.file, "valid": document is not None}
        if document is not None:
            found |= {
                "form": document.form.value,
                "agentId": self.agent_id or document.agent_id,
                "textId": document.text_id,
                "changes": list(document.changes),
                "ignored": _as_json(document.ignored),
            }
        if self.version is not None:
            found["version"] = self.version
        return {**found, "issues": _as_json(self.issues)}

    def lines(self) -> Iterable[str]:
        """The report for people."""
        if self.document is None:
            yield f"{self.file}: not valid"
            yield from (f"  {issue}" for issue in self.issues)
            return
        name = self.document.text_id
        if self.version is None:
            yield f"{self.file}: valid, {self.document.form.value} form"
        else:
            shown = f"{self.agent_id} ({name})" if name else str(self.agent_id)
            yield f"{self.file}: imported as agent {shown}, version {self.version}"
        yield from (f"  changed: {change}" for change in self.document.changes)
        yield from (f"  ignored: {issue}" for issue in self.document.ignored)


def validate(settings: Settings, arguments: argparse.Namespace) -> int:
    """Check each file, without a database; 1 when one of them is not valid."""
    reports = [_checked(settings, file, arguments.form) for file in arguments.files]
    _print(reports, as_json=arguments.json)
    return 0 if all(report.document is not None for report in reports) else 1


def import_files(settings: Settings, arguments: argparse.Namespace) -> int:
    """Register the agent of each file, or of none when one of the files is not valid."""
    reports = [_with_id(_checked(settings, one, arguments.form)) for one in arguments.files]
    if arguments.id is not None:
        if len(reports) > 1:
            raise InvalidAgentConfig([ConfigIssue(("--id",), "goes with one file")])
        split_id(arguments.id)
    if all(report.document is not None for report in reports):
        reports = asyncio.run(_import(settings, reports, arguments.tenant, arguments.id))
    _print(reports, as_json=arguments.json)
    return 0 if all(report.version is not None for report in reports) else 1


def read_file(file: str, form: str | None = None) -> Document:
    """The configuration in a file. Raises InvalidAgentConfig, also when the file cannot be read."""
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(MAX_FILE + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise InvalidAgentConfig([ConfigIssue((), message)]) from error
    return load(text, None if form is None else Form(form))


def _checked(settings: Settings, file: str, form: str | None) -> Report:
    try:
        document = read_file(file, form)
        document.check(partial(check_config, settings))
    except InvalidAgentConfig as error:
        return Report(file, issues=error.issues)
    return Report(file, document)


def _with_id(report: Report) -> Report:
    """The same with the file's name for an id, where the file has none."""
    document = report.document
    if document is None or document.agent_id is not None or document.text_id is not None:
        return report
    stem = Path(report.file).stem
    try:
        agent_id, text_id = split_id(stem)
    except InvalidAgentConfig:
        issue = ConfigIssue(("agent_id",), f"is required: the file's name, {stem!r}, is no id")
        return replace(report, document=None, issues=[issue])
    changes = [*document.changes, f"agent_id: {stem}, the file's name"]
    return replace(
        report,
        document=replace(document, agent_id=agent_id, text_id=text_id, changes=changes),
    )


async def _import(
    settings: Settings, reports: Sequence[Report], tenant: int | None, number: int | None
) -> list[Report]:
    async with agent_store(settings) as store:
        return [await _imported(store, report, tenant, number) for report in reports]


async def _imported(
    store: AgentStore, report: Report, tenant: int | None, number: int | None
) -> Report:
    document = report.document
    assert document is not None  # noqa: S101 - for the type checker: only valid files come here
    agent_id = number or document.agent_id
    if document.text_id is not None:
        agent_id = await store.text_ids.assign(document.text_id, number)
    assert agent_id is not None  # noqa: S101 - `_with_id` gave it one
    before = await store.agents.get(agent_id)
    tenant_id = tenant or document.tenant_id or (1 if before is None else before.tenant_id)
    origin = f"imported from {Path(report.file).name}"[:255]
    registered = await store.register(agent_id, tenant_id, document.config, origin, "agents import")
    return replace(report, agent_id=agent_id, version=registered.version)


def _as_json(issues: Iterable[ConfigIssue]) -> list[dict[str, Any]]:
    return [{"path": list(issue.path), "message": issue.message} for issue in issues]


def _print(reports: Sequence[Report], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([report.as_json() for report in reports], indent=2, ensure_ascii=False))
        return
    for report in reports:
        for line in report.lines():
            print(line)
