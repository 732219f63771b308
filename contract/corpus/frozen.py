"""Writes the corpus to a folder and reads it; a hash shows every change in between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from contract.corpus import har
from contract.corpus.steps import Corpus, Step
from contract.errors import BrokenInput


def freeze(steps: Sequence[Step], folder: Path) -> Corpus:
    """Write the HAR and, beside it, its hash."""
    entries = []
    for step in steps:
        entry = har.entry_of(step.request, step.recorded)
        entry["_source"] = step.source
        if step.together is not None:
            entry["_together"] = step.together
        if step.before is not None:
            entry["_before"] = step.before
        entries.append(entry)
    text = json.dumps(har.log(entries), ensure_ascii=False, separators=(",", ":"))
    # One entry a line, so that a diff of the corpus is a diff of lines.
    text = text.replace('{"startedDateTime"', '\n{"startedDateTime"') + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requests.har").write_text(text, "utf-8")
    digest = _digest(text.encode("utf-8"))
    (folder / "requests.sha256").write_text(f"{digest}  requests.har\n", "utf-8")
    return Corpus(tuple(steps), digest)


def load(folder: Path) -> Corpus:
    """The frozen corpus. Raises BrokenInput when it is missing, changed, empty or cut short."""
    path = folder / "requests.har"
    try:
        data = path.read_bytes()
        promised = (folder / "requests.sha256").read_text("utf-8").split()[0]
    except (OSError, IndexError) as error:
        raise BrokenInput(f"no corpus at {path}: run `python -m contract record`") from error
    digest = _digest(data)
    if digest != promised:
        raise BrokenInput(
            f"{path} has the hash {digest[:12]}, not the frozen {promised[:12]}: it was changed or "
            "cut short; restore it, or record again"
        )
    try:
        steps = tuple(
            Step(
                index,
                entry["_source"],
                har.request_of(entry),
                har.answer_of(entry),
                entry.get("_together"),
                entry.get("_before"),
            )
            for index, entry in enumerate(json.loads(data)["log"]["entries"])
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BrokenInput(f"{path} is not a corpus of this gate: {error!r}") from error
    if not steps:
        raise BrokenInput(f"{path} has no requests: record again")
    return Corpus(steps, digest)


def of_source(corpus: Corpus, source: str) -> list[Step]:
    """The steps of one source, numbered anew."""
    found = [step for step in corpus.steps if step.source == source]
    return [replace(step, index=index) for index, step in enumerate(found)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
