"""JUnit XML: a test case for every documented pair, ledger entry, cluster and mutant."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from contract.report.verdict import Report, Verdict


def write(report: Report, folder: Path) -> None:
    """Write junit.xml."""
    root = ET.Element("testsuites", name="parity gate")
    _verdict(root, report)
    _pairs(root, report)
    _ledger(root, report)
    _mutants(root, report)
    folder.mkdir(parents=True, exist_ok=True)
    ET.indent(root)
    tree = ET.ElementTree(root)
    tree.write(folder / "junit.xml", encoding="utf-8", xml_declaration=True)


def _verdict(root: ET.Element, report: Report) -> None:
    suite = _Suite(root, "verdict")
    failed = None if report.verdict is Verdict.PARITY else report.sentence
    suite.case("verdict", failed)
    for side, cluster in report.clusters:
        first = cluster.first.difference
        suite.case(
            f"{cluster.fingerprint} {side.name} {cluster.title}",
            f"operation {cluster.where}\nplace {first.at}\nkind {cluster.kind}\n"
            f"first step {cluster.first.step}, of {len(cluster.findings)} findings\n"
            f"expected {first.expected[:2000]}\nactual {first.actual[:2000]}",
        )
    suite.close()


def _pairs(root: ET.Element, report: Report) -> None:
    suite = _Suite(root, "documented pairs")
    observed = set().union(*(side.comparison.observed for side in report.sides))
    for operation, status in sorted(observed):
        suite.case(f"{operation} {status}", None)
    for pair in report.unobserved:
        suite.case(str(pair), "documented and never observed")
    suite.close()


def _ledger(root: ET.Element, report: Report) -> None:
    suite = _Suite(root, "ledger")
    for entry in report.entries:
        faults = [f"{f.problem}: {f.detail}" for f in report.faults if f.entry == entry.id]
        suite.case(entry.id, "\n".join(faults) or None)
    suite.close()


def _mutants(root: ET.Element, report: Report) -> None:
    suite = _Suite(root, "self-test")
    for outcome in report.score.outcomes if report.score else ():
        missed = None if outcome.caught else f"not noticed; it changed {outcome.touched} answers"
        suite.case(f"{outcome.mutant.operation} {outcome.mutant.id}", missed)
    suite.close()


class _Suite:
    """One suite; `close` writes its counts."""

    def __init__(self, root: ET.Element, name: str) -> None:
        self._element = ET.SubElement(root, "testsuite", name=name)
        self._name = name
        self._cases = 0
        self._failures = 0

    def case(self, name: str, failure: str | None) -> None:
        """Add a test case; `failure` is its message, or None when it passed."""
        found = ET.SubElement(
            self._element, "testcase", classname=f"parity.{self._name}", name=_printable(name)
        )
        self._cases += 1
        if failure is not None:
            self._failures += 1
            element = ET.SubElement(found, "failure", message=_printable(failure)[:200])
            element.text = _printable(failure)

    def close(self) -> None:
        """Write the counts."""
        self._element.set("tests", str(self._cases))
        self._element.set("failures", str(self._failures))


def _printable(text: str) -> str:
    """The text with escapes for characters that XML 1.0 forbids: controls and half surrogates."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
