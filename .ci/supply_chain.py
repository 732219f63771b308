"""Writes the SBOM (CycloneDX) and the licences of an installation; fails on a licence that is not allowed.

    python .ci/supply_chain.py INTERPRETER REPORTS

`INTERPRETER` is the Python of the environment in which the runtime is installed, and nothing else.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

ALLOWED: Final = Path(__file__).with_name("licences.toml")
SBOM: Final = "sbom.cdx.json"
LIST: Final = "licences.txt"


def main(interpreter: str, reports: Path) -> int:
    """Write both files into the folder `reports`; returns 1 when a licence is not allowed."""
    reports.mkdir(parents=True, exist_ok=True)
    sbom = reports / SBOM
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    subprocess.run([*command, "-o", str(sbom), interpreter], check=True)
    components = json.loads(sbom.read_text())["components"]
    rules = tomllib.loads(ALLOWED.read_text())
    found = {component["name"]: licences_of(component) for component in components}
    lines = [f"{name}: {', '.join(sorted(found[name])) or 'none stated'}" for name in sorted(found)]
    (reports / LIST).write_text("\n".join(lines) + "\n")
    problems = list(refused(found, rules))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(found)} packages, {len(problems)} with a licence that is not allowed: {reports}")
    return 1 if problems else 0


def licences_of(component: Mapping[str, Any]) -> set[str]:
    """The licences of a package: SPDX expressions and ids, else the words of its metadata."""
    found: set[str] = set()
    words: set[str] = set()
    for entry in component.get("licenses", []):
        licence = entry.get("license", {})
        if one := entry.get("expression") or licence.get("id"):
            found.add(one)
        elif name := licence.get("name"):
            words.add(name.removeprefix("License :: ").removeprefix("OSI Approved :: "))
    return found or words


def refused(found: Mapping[str, set[str]], rules: Mapping[str, Any]) -> Iterator[str]:
    """A line for each package without a licence that is allowed. `packages` of the rules are exceptions.

    Whatever a package states must be allowed: metadata do not tell whether two are a choice.
    """
    allowed, exceptions = set(rules["licences"]), rules["packages"]
    for name in sorted(found):
        if name.lower() in exceptions:
            continue
        if not found[name] or not all(_is_allowed(one, allowed) for one in found[name]):
            stated = ", ".join(sorted(found[name])) or "none"
            yield f"{name}: licence {stated} is not in {ALLOWED.name}"
    installed = {name.lower() for name in found}
    yield from (
        f"{name}: exception for a package that is not installed"
        for name in sorted(exceptions.keys() - installed)
    )


def _is_allowed(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression of AND, OR and brackets needs no other licence than those allowed."""
    if expression in allowed:
        return True
    words = re.sub(r"[()]", " ", expression)
    if re.search(r"\bWITH\b", words):
        return False
    parts = re.split(
        r"\bAND\b", re.sub(r"\(([^()]*)\)", lambda m: m[1].replace(" ", "~"), expression)
    )
    return all(
        any(one.strip(" ()") in allowed for one in re.split(r"(?:\s|~)OR(?:\s|~)", part))
        for part in parts
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
