"""The ledger entry that would accept a finding. A person decides whether to add it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import yaml

from contract.errors import BrokenInput


def explain(finding: str, report: Path) -> str:
    """The entry for a cluster of the last run. Raises BrokenInput when that run has no such cluster."""
    path = report / "verdict.json"
    try:
        verdict = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenInput(f"{path} cannot be read: run the gate first ({error})") from error
    hits = [c for c in verdict["clusters"] if finding and c["fingerprint"].startswith(finding)]
    if not hits:
        known = ", ".join(c["fingerprint"] for c in verdict["clusters"]) or "none"
        raise BrokenInput(f"the last run has no cluster {finding}; it has: {known}")
    return "\n".join(_explained(cluster) for cluster in hits[:1])


def _explained(cluster: dict[str, Any]) -> str:
    today = dt.datetime.now(dt.UTC).date()
    old, new = cluster["statuses"]
    condition = f"old.status == {old}"
    entry = {
        "id": f"to-be-named-{cluster['fingerprint']}",
        "operation": cluster["operation"],
        "when": f"{condition} and ...   # which requests, and in which state: be narrow",
        "new": _new(cluster, new if new != old else None),
        "reason": "",
        "owner": "",
        "date": today,
        "expires": today + dt.timedelta(days=180),
        "evidence": f"cluster {cluster['fingerprint']}, step {cluster['example']['step']}",
    }
    text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=100)
    return (
        f"# {cluster['operation']}: {cluster['kind']} at {cluster['at']}, in {cluster['findings']} "
        f"places\n# expected {cluster['example']['expected'][:300]}\n"
        f"# actual   {cluster['example']['actual'][:300]}\n"
        "# This entry would accept it; without a reason and an owner it does not load.\n"
        f"{text}"
    )


def _new(cluster: dict[str, Any], status: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {} if status is None else {"status": status}
    actual = cluster["example"]["actual"]
    at = cluster["at"]
    if at.startswith("header "):
        absent = actual == "(absent)"
        return {**found, "headers": {at.removeprefix("header "): None if absent else actual}}
    if at.startswith("body /"):
        return {**found, "set": {at.removeprefix("body "): _value(actual)}}
    if at == "body":
        return {**found, "body": _value(actual.partition(" ")[2])}
    return found or {"effects": actual}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
