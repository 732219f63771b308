"""Writes what was found as a scenario, so that the corpus has it from the next recording on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from contract.agent_api.explore.machine import Finding
from contract.agent_api.explore.operations import (
    AgentFigures,
    Create,
    Delete,
    End,
    Listing,
    Operation,
    Read,
    Register,
    SessionFigures,
    Status,
    TenantFigures,
)

# Numbers of the scenario's own, far from those of the others; the last digits stay.
_AGENTS: Final = 950_000_000
_TENANTS: Final = 950_000
_HEAD: Final = """\
# Sequences that `tox -e contract-explore` found and shrank. They are recorded like the other scenarios.
"""


def promote(findings: Sequence[Finding], path: Path) -> list[str]:
    """Add a workflow for each finding that the file lacks; returns the names of the new ones."""
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    known = {workflow["workflowId"] for workflow in document["workflows"]}
    added = []
    for finding in findings:
        workflow = _workflow(finding)
        if workflow["workflowId"] not in known:
            document["workflows"].append(workflow)
            known.add(workflow["workflowId"])
            added.append(workflow["workflowId"])
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(_HEAD + text, "utf-8")
    return added


def _workflow(finding: Finding) -> dict[str, Any]:
    name = hashlib.sha256(repr(finding.operations).encode()).hexdigest()[:8]
    offset = int(name[:4], 16) % 9000
    steps: list[dict[str, Any]] = []
    creates = 0
    before = None
    for number, operation in enumerate(finding.operations):
        step = _step(operation, offset)
        if step is None:
            before = "restart"
            continue
        step = {"stepId": f"s{number}", **step}
        if isinstance(operation, Create):
            step["stepId"] = f"create-{creates}"
            step["outputs"] = {"sessionId": "$response.body#/session/sessionId"}
            creates += 1
        if before is not None:
            step, before = {**step, "x-before": before}, None
        steps.append(step)
    summary = f"Found by exploration: {finding.service} answered otherwise than the reference"
    return {"workflowId": f"found-{name}", "summary": summary, "steps": steps}


def _step(operation: Operation, offset: int) -> dict[str, Any] | None:
    agent = _AGENTS + 1000 * offset
    tenant = _TENANTS + 10 * offset
    match operation:
        case Register(number, of, limit):
            config = {} if limit is None else {"maxConcurrentSessions": limit}
            body = {"agentId": agent + number, "tenantId": tenant + of, "config": config}
            return {"operationId": "registerAgent", "requestBody": {"payload": body}}
        case Create(number, of, room):
            body = {"agentId": agent + number, "tenantId": tenant + of, "roomName": room}
            return {"operationId": "createSession", "requestBody": {"payload": body}}
        case Delete(number):
            return _named("unregisterAgent", "agentId", agent + number)
        case Status(number):
            return _named("getAgent", "agentId", agent + number)
        case AgentFigures(number):
            return _named("getAgentMetrics", "agentId", agent + number)
        case TenantFigures(number):
            return _named("getTenantMetrics", "tenantId", tenant + number)
        case Listing():
            return {"operationId": "listAgents"}
        case _:
            return _of_session(operation)


def _of_session(operation: Operation) -> dict[str, Any] | None:
    """The step of an operation on a session; None for a restart, which is no request."""
    operations = {
        End: "endSession",
        Read: "getSession",
        SessionFigures: "getSessionMetrics",
    }
    wanted = operations.get(type(operation))
    if wanted is None:
        return None
    session = f"$steps.create-{operation.session}.outputs.sessionId"  # type: ignore[union-attr]
    return _named(wanted, "sessionId", session)


def _named(operation: str, name: str, value: object) -> dict[str, Any]:
    return {"operationId": operation, "parameters": [{"name": name, "in": "path", "value": value}]}
