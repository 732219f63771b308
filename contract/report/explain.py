"""The ledger entry that would accept a finding. A person decides whether to add it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, Final

import yaml

from contract.errors import BrokenInput

# Kinds of differences that no entry can accept: none of a rule's changes is about them.
_NEVER: Final = frozenset({"layout", "key order", "time", "id clash", "id form"})


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
    obstacle = _obstacle(cluster)
    example = cluster["example"]
    if obstacle is not None:
        return (
            f"# {cluster['operation']}: {cluster['kind']} at {example['at']}, "
            f"step {example['step']}\n"
            f"# expected {example['expected'][:300]}\n# actual   {example['actual'][:300]}\n"
            f"# No entry of the ledger is proposed: {obstacle}\n"
        )
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
        f"# {cluster['operation']}: {cluster['kind']} at {cluster['example']['at']}, "
        f"in {cluster['findings']} places\n# expected {cluster['example']['expected'][:300]}\n"
        f"# actual   {cluster['example']['actual'][:300]}\n"
        "# This entry would accept it; without a reason and an owner it does not load.\n"
        f"{text}"
    )


def _obstacle(cluster: dict[str, Any]) -> str | None:
    """Why no rule can accept a difference as it stands, or None."""
    kind, at = cluster["kind"], cluster["example"]["at"]
    if cluster["statuses"][1] == 0:
        return "the new service gave no answer."
    if kind in _NEVER:
        return f"no rule is about the {kind} of an answer: the new service must change."
    if kind == "side effect":
        return (
            "`effects` is a list of calls, which only an expression can give: write one over the "
            "words of contract/agent_api/model, like `joining(...)`."
        )
    if at.startswith("body /") and (at.count("/") > 1 or at.rpartition("/")[2].isdecimal()):
        return "`set` reaches the outer keys of a body only: write the whole `body` instead."
    return None


def _new(cluster: dict[str, Any], status: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {} if status is None else {"status": status}
    kind, actual, at = cluster["kind"], cluster["example"]["actual"], cluster["example"]["at"]
    if at.startswith("header "):
        absent = actual == "(absent)"
        return {**found, "headers": {at.removeprefix("header "): None if absent else actual}}
    if at.startswith("body /"):
        value = None if kind == "missing" else _value(actual)
        return {**found, "set": {at.removeprefix("body "): value}}
    if at.startswith("body"):
        return {**found, **_body(kind, actual)}
    return found


def _body(kind: str, actual: str) -> dict[str, Any]:
    """The change to a whole body; where its kind differs, `actual` begins with the kind."""
    if kind == "text":
        return {"text": actual}
    if kind != "body kind":
        return {"body": _value(actual)}
    word, _, text = actual.partition(" ")
    return {"text": text} if word == "html" else {"body": _value(text)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
