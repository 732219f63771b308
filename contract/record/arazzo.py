"""Runs directed scenarios (a subset of Arazzo 1.0) against the old service.

https://spec.openapis.org/arazzo/latest.html, with three extensions: `x-repeat` sends a step several
times, `x-at-once` sends the repetitions at the same time, `x-before` changes the service first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import yaml

from contract.api.api import Api
from contract.api.specification import Specification
from contract.corpus.steps import Step
from contract.errors import BrokenInput, Inconclusive
from contract.http.messages import RECORDED_KEY, Answer, Request
from contract.http.placeholders import at_time
from contract.targets.target import Target
from contract.values.documents import parse, plain
from contract.values.pointers import pointed

_BODY: Final = "$response.body#"
_EMBEDDED: Final = re.compile(r"\{(\$steps\.[\w.-]+)\}")


@dataclass
class _Workflow:
    """One scenario while it runs: the outputs of its steps, by expression."""

    name: str
    outputs: dict[str, Any]

    def resolve(self, value: Any) -> Any:
        """A value with `$steps.X.outputs.Y` replaced by that output. Raises BrokenInput."""
        if isinstance(value, str) and value.startswith("$steps."):
            if value not in self.outputs:
                raise BrokenInput(f"scenario {self.name}: no step before has the output {value}")
            return self.outputs[value]
        if isinstance(value, str):
            return _EMBEDDED.sub(lambda hit: str(self.resolve(hit[1])), value)
        if isinstance(value, dict):
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        return value

    def learn(self, step: Mapping[str, Any], answer: Answer) -> None:
        """Take in the outputs of a step."""
        document = plain(parse(answer).value)
        for name, expression in step.get("outputs", {}).items():
            value = pointed(document, expression.removeprefix(_BODY))
            self.outputs[f"$steps.{step['stepId']}.outputs.{name}"] = value


async def directed(path: Path, old: Target, api: Api, first: int) -> list[Step]:
    """The steps of all scenarios of a file, with indexes from `first`.

    Raises BrokenInput, and Inconclusive when the service cannot make a change that a step needs.
    """
    found: list[Step] = []
    for workflow, raw in _steps(path):
        try:
            name = f"scenario/{workflow.name}/{raw['stepId']}"
            request = _request(raw, workflow, api.spec)
        except (KeyError, TypeError) as error:
            raise BrokenInput(f"scenario {workflow.name}: a step is broken: {error!r}") from error
        together = name if raw.get("x-at-once") else None
        before = raw.get("x-before")
        if before is not None:
            if not old.can(before):
                raise Inconclusive(f"{name}: the old service cannot do {before}")
            await old.change(before)
        for _ in range(raw.get("x-repeat", 1)):
            answer = await old.send(at_time(request, 0.0, {}))
            workflow.learn(raw, answer)
            found.append(Step(first + len(found), name, request, answer, together, before))
            before = None
    return found


def _steps(path: Path) -> Iterator[tuple[_Workflow, Mapping[str, Any]]]:
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
        for raw in document["workflows"]:
            workflow = _Workflow(raw["workflowId"], {})
            for step in raw["steps"]:
                yield workflow, step
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise BrokenInput(f"{path} is not an Arazzo document: {error!r}") from error


def _request(raw: Mapping[str, Any], workflow: _Workflow, spec: Specification) -> Request:
    wanted = raw["operationId"]
    name = next((n for n, op in spec.operations.items() if op["operationId"] == wanted), None)
    if name is None:
        raise BrokenInput(f"scenario {workflow.name}: openapi.yaml has no operation {wanted}")
    method, template = name.split(" ")
    query = {}
    for parameter in raw.get("parameters", ()):
        value = workflow.resolve(parameter["value"])
        if parameter["in"] == "path":
            template = template.replace(f"{{{parameter['name']}}}", quote(str(value), safe=""))
        else:
            query[parameter["name"]] = value
    # A placeholder stays as it is: what fills it in encodes it.
    words = [f"{k}={v}" if "<<" in str(v) else urlencode({k: v}) for k, v in query.items()]
    target = f"{template}?{'&'.join(words)}" if query else template
    headers = [("Authorization", f"Bearer {RECORDED_KEY}"), ("Accept", "*/*")]
    body = b""
    if "requestBody" in raw:
        payload = workflow.resolve(raw["requestBody"]["payload"])
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    elif method == "POST":
        headers.append(("Content-Length", "0"))
    return Request(method, target, tuple(headers), body)
