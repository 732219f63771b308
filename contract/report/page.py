"""The HTML page for people: one file, no network."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from contract.http.messages import Answer, Request
from contract.judge.clusters import Cluster
from contract.judge.material import Material
from contract.report.commands import commands
from contract.report.verdict import Report, Side
from contract.values.documents import parse, plain

_FOLDER: Final = Path(__file__).parent
_LONGEST: Final = 6000  # characters of a message to show
_DIFFERENCES: Final = 12  # differences of a step to show


def write(report: Report, material: Material | None, folder: Path) -> None:
    """Write index.html."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined
    )
    outcomes = report.score.outcomes if report.score else []
    uses = [(entry, report.uses(entry.id)) for entry in report.entries]
    text = environment.get_template("page.html.j2").render(
        report=report,
        clusters=[_cluster(side, c, material) for side, c in report.clusters] if material else [],
        entries=uses,
        used=sum(bool(count) for _, count in uses),
        caught=sum(outcome.caught for outcome in outcomes),
        by_status=sum(outcome.status_only for outcome in outcomes),
        noise=[line for side in report.sides for line in side.comparison.noise.listed()],
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(text.encode("utf-8", "replace").decode(), "utf-8")


def _cluster(side: Side, cluster: Cluster, material: Material) -> dict[str, Any]:
    first = cluster.first
    case = side.comparison.exchanges[first.step]
    step = next(s for s in material.corpus.steps if s.index == first.step)
    peer = material.api.profile.peer
    old, new = _marked(_shown(case.old, peer), _shown(case.new, peer))
    return {
        "title": cluster.title,
        "fingerprint": cluster.fingerprint,
        "side": side.name,
        "count": len({finding.step for finding in cluster.findings}),
        "differences": [
            finding.difference for finding in cluster.findings if finding.step == first.step
        ][:_DIFFERENCES],
        "step": first.step,
        "source": step.source,
        "request": _request(material.requests[first.step]),
        "old": old,
        "new": new,
        "commands": commands(material, side.replays.get(cluster.fingerprint, [first.step])),
    }


def _request(request: Request) -> str:
    lines = [f"{request.method} {request.target}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    body = request.body[:_LONGEST].decode("utf-8", "backslashreplace")
    return "\n".join([*lines, "", body]).rstrip()[:_LONGEST]


def _shown(answer: Answer, peer: str) -> str:
    document = parse(answer)
    body = document.text
    if document.value is not None:
        body = json.dumps(plain(document.value), indent=2, ensure_ascii=False)
    lines = [str(answer.status), *sorted(f"{n.lower()}: {v}" for n, v in answer.headers), "", body]
    lines += [f"{peer}: {effect.call} {effect.body}" for effect in answer.effects]
    return "\n".join(lines)[:_LONGEST]


def _marked(old: str, new: str) -> tuple[Markup, Markup]:
    """Both texts; the lines that the other text lacks are marked."""
    left, right = old.split("\n"), new.split("\n")
    found: tuple[list[Markup], list[Markup]] = ([], [])
    matcher = difflib.SequenceMatcher(a=left, b=right, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        same = tag == "equal"
        found[0].extend(_line(line, None if same else "gone") for line in left[a:b])
        found[1].extend(_line(line, None if same else "new") for line in right[c:d])
    newline = Markup("\n")
    return newline.join(found[0]), newline.join(found[1])


def _line(text: str, mark: str | None) -> Markup:
    if mark is None:
        return escape(text)
    return Markup('<mark class="{}">{}</mark>').format(mark, text or " ")
