"""Reads a ledger into entries and checks each before anything runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from contract.errors import BrokenInput
from contract.judge.rules import CHANGES, Rule
from contract.values.expressions import Expression

_TEXTS: Final = ("id", "operation", "reason", "owner", "evidence")
_KEYS: Final = frozenset({*_TEXTS, "when", "new", "date", "expires", "demanded"})


@dataclass(frozen=True, slots=True)
class Entry(Rule):
    """A rule that a person has decided: why, who, when, and until when.

    A run in which an entry is not used fails, unless `demanded` names a change (`restart`, a fault, or
    the profile's `watching`) that the targets of the run cannot make.
    """

    reason: str
    owner: str
    evidence: str
    date: dt.date
    expires: dt.date
    demanded: str | None = None


def load(path: Path) -> tuple[Entry, ...]:
    """All entries. Raises BrokenInput that names the entry and the field."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BrokenInput(f"the ledger {path} cannot be read: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("entries"), list):
        raise BrokenInput(f"the ledger {path} must be a mapping with a list named `entries`")
    entries = tuple(
        _entry(raw, f"{path.name}: entry {number}")
        for number, raw in enumerate(document["entries"], start=1)
    )
    names = [entry.id for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BrokenInput(f"{path.name}: ids that appear twice: {', '.join(twice)}")
    return entries


def _entry(raw: Any, where: str) -> Entry:
    if not isinstance(raw, dict):
        raise BrokenInput(f"{where} is not a mapping")
    where = f"{where} ({raw.get('id', 'without id')})"
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise BrokenInput(f"{where}: unknown field {', '.join(unknown)}")
    for name in _TEXTS:
        if not isinstance(raw.get(name), str) or not raw[name].strip():
            raise BrokenInput(f"{where}: `{name}` is missing; it must be a text")
    for name in ("date", "expires"):
        if not isinstance(raw.get(name), dt.date):
            raise BrokenInput(f"{where}: `{name}` must be a date like 2026-01-31")
    new = raw.get("new")
    if not isinstance(new, dict) or not new or not set(new) <= CHANGES:
        raise BrokenInput(f"{where}: `new` must name some of {', '.join(sorted(CHANGES))}")
    return Entry(
        when=Expression.of(str(raw.get("when", "true")), f"{where}: `when`"),
        new=new,
        demanded=raw.get("demanded"),
        **{name: raw[name] for name in (*_TEXTS, "date", "expires")},
    )
