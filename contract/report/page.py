"""The HTML page for people: one file, no network."""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from contract.http.messages import Answer, Effect, Request
from contract.judge.clusters import Cluster
from contract.judge.compare import Difference, Expectation, joined
from contract.judge.judge import expectation
from contract.judge.material import Material
from contract.judge.shrink import Shortest
from contract.report.commands import commands
from contract.report.verdict import Report, Side
from contract.values.documents import Kind, parse, plain
from contract.values.typed_values import Matching, Moment

_FOLDER: Final = Path(__file__).parent
_LINE: Final = 1000  # characters of a line to show
_REQUEST: Final = 6000  # characters of a request to show
_STRETCH: Final = 24  # equal lines in a row to show
_LONGEST: Final = 60_000  # characters of a message to show
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
    wanted, _ = expectation(case, material.rules, material.api)
    expected, new = _marked(_expected(wanted, case.new, peer), _shown(case.new, peer))
    old, _ = _marked(_shown(case.old, peer), _expected(wanted, case.new, peer), ("accepted", ""))
    return {
        "title": cluster.title,
        "fingerprint": cluster.fingerprint,
        "side": side.name,
        "count": len({finding.step for finding in cluster.findings}),
        "differences": [
            _difference(finding.difference)
            for finding in cluster.findings
            if finding.step == first.step
        ][:_DIFFERENCES],
        "operation": cluster.where,
        "place": first.difference.at,
        "step": first.step,
        "source": step.source,
        "request": _request(material.requests[first.step]),
        "old": old,
        "expected": expected,
        "new": new,
        "commands": _commands(material, side.replay(cluster)),
    }


def _commands(material: Material, shortest: Shortest) -> str:
    text = commands(material, shortest.steps)
    if shortest.reduced:
        return text
    last = shortest.steps[-1]
    return f"# not reduced: alone it may show nothing; all steps up to {last} do\n{text}"


def _request(request: Request) -> str:
    lines = [f"{request.method} {request.target}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    body = request.body[:_REQUEST].decode("utf-8", "backslashreplace")
    return "\n".join([*lines, "", body]).rstrip()[:_REQUEST]


def _difference(found: Difference) -> dict[str, str]:
    """A difference; of two long lists the first place where they part is named."""
    note = ""
    if found.kind in ("order", "length"):
        lists = _list(found.expected), _list(found.actual)
        places = enumerate(itertools.zip_longest(*lists, fillvalue="nothing"))
        at, pair = next(((at, pair) for at, pair in places if pair[0] != pair[1]), (0, ("", "")))
        note = f"first at item {at}: {pair[1]} instead of {pair[0]}"
    return {
        "kind": found.kind,
        "at": found.at,
        "expected": found.expected,
        "actual": found.actual,
        "note": note,
    }


def _list(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _shown(answer: Answer, peer: str) -> str:
    document = parse(answer)
    body = document.text if document.value is None else _pretty(plain(document.value))
    return _message(answer.status, joined(answer.headers), body, answer.effects, peer)


def _expected(wanted: Expectation, new: Answer, peer: str) -> str:
    """What the new service must answer; where it may choose a value, and did well, its own value."""
    actual = joined(new.headers)
    headers = {name: _chosen(value, actual.get(name)) for name, value in wanted.headers.items()}
    body = str(_chosen(wanted.text, parse(new).text))
    if wanted.kind is Kind.JSON:
        body = _pretty(plain(_filled(wanted.value, parse(new).value)))
    return _message(wanted.status, headers, body, wanted.effects, peer)


def _message(
    status: int, headers: Mapping[str, Any], body: str, effects: Sequence[Effect], peer: str
) -> str:
    lines = [str(status), *sorted(f"{name}: {value}" for name, value in headers.items()), "", body]
    lines += [f"{peer}: {effect.call} {effect.body}" for effect in effects]
    return "\n".join(lines)[:_LONGEST]


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _chosen(wanted: Any, actual: Any) -> Any:
    if not isinstance(wanted, Moment | Matching):
        return wanted
    return actual if actual is not None and wanted.fault(actual) is None else str(wanted)


def _filled(wanted: Any, actual: Any) -> Any:
    """The expected value with the actual one in place of each marker that it fulfils."""
    if isinstance(wanted, dict):
        inner = actual if isinstance(actual, dict) else {}
        return {key: _filled(value, inner.get(key)) for key, value in wanted.items()}
    return _chosen(wanted, actual)


def _marked(
    one: str, other: str, marks: tuple[str, str] = ("gone", "new")
) -> tuple[Markup, Markup]:
    """Both texts; the lines that the other text lacks are marked, long equal stretches left out."""
    left, right = one.split("\n"), other.split("\n")
    found: tuple[list[Markup], list[Markup]] = ([], [])
    matcher = difflib.SequenceMatcher(a=left, b=right, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        same = tag == "equal"
        for lines, piece, mark in (
            (found[0], left[a:b], marks[0]),
            (found[1], right[c:d], marks[1]),
        ):
            shown = _without_middle(piece) if same else piece
            lines.extend(_line(line, None if same or not mark else mark) for line in shown)
    newline = Markup("\n")
    return newline.join(found[0]), newline.join(found[1])


def _without_middle(lines: list[str]) -> list[str]:
    if len(lines) <= _STRETCH:
        return lines
    half = _STRETCH // 2
    return [*lines[:half], f"      ... {len(lines) - 2 * half} equal lines ...", *lines[-half:]]


def _line(text: str, mark: str | None) -> Markup:
    text = text if len(text) <= _LINE else f"{text[:_LINE]}..."
    if mark is None:
        return escape(text)
    return Markup('<mark class="{}">{}</mark>').format(mark, text or " ")
