"""Reads the corpus: raw requests with their right answers, several cases in a file of `cases/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parent / "cases"
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-f]{2})|([rnt]))")
_CONTROL: Final = {b"r": b"\r", b"n": b"\n", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The statuses that a client receives, and the operations that the application carries out."""

    answers: list[int]
    done: list[str]


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `closed`: the server closes the connection. `split`: tried with every split in two."""

    name: str
    send: bytes
    outcome: Outcome
    behind_nginx: Outcome
    closed: bool
    split: bool


def corpus() -> list[Case]:
    """All cases, in the order of the files."""
    return [
        _case(path.stem, document)
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]


def _case(file: str, document: dict[str, Any]) -> Case:
    outcome = Outcome(document["answers"], document.get("done", []))
    other = document.get("behind_nginx")
    return Case(
        name=f"{file}: {document['case']}",
        send=_raw(document["send"]),
        outcome=outcome,
        behind_nginx=Outcome(**other) if other else outcome,
        closed=document.get("closed", False),
        split=document.get("split", False),
    )


def _raw(text: str) -> bytes:
    r"""The bytes of `text`: each line ends with CR and LF; \r, \n, \t and \xNN are single bytes."""
    return _ESCAPE.sub(
        lambda found: bytes.fromhex(found[1].decode()) if found[1] else _CONTROL[found[2]],
        text.replace("\n", "\r\n").encode("ascii"),
    )
