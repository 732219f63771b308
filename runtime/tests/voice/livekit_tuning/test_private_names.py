"""The table of LiveKit's private names agrees with the source of the runtime."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from livekit.agents import Agent

import agent_runtime
from agent_runtime.voice.livekit_tuning.private_names import PRIVATE_USES

from .scan import names_in, private_names

PACKAGE = Path(agent_runtime.__file__).parent


def test_the_table_lists_every_private_name_of_livekit_and_no_other() -> None:
    """A private name that is used but not listed fails, as does one that is listed but not used."""
    listed: dict[str, set[str]] = {}
    for use in PRIVATE_USES:
        listed.setdefault(use.module, set()).update(use.names)
    assert private_names(PACKAGE) == listed


def test_the_table_lists_each_name_once_with_reason_and_end() -> None:
    """Every entry says why it is needed and when to drop it, and no name stands twice for a module."""
    names = Counter((use.module, name) for use in PRIVATE_USES for name in use.names)
    assert [name for name, count in names.items() if count > 1] == []
    assert all(use.names and use.why and use.drop_when for use in PRIVATE_USES)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from livekit.rtc._room import Room", "livekit.rtc._room.Room"),
        ("from livekit.rtc import _ffi_client", "livekit.rtc._ffi_client"),
        ("import livekit.rtc._ffi_client", "livekit.rtc._ffi_client"),
        ("rtc.Room()._ffi_handle", "rtc.Room()._ffi_handle"),
        ("getattr(rtc, '_room')", "rtc._room"),
        ("for room in rooms: room.participants[0]._info", "room.participants[0]._info"),
    ],
)
def test_the_scan_finds_private_imports_and_attributes(line: str, name: str) -> None:
    """The scan finds a private name in an import, on any expression, and in `getattr`."""
    assert names_in(ast.parse(f"from livekit import rtc\n{line}"), "unused") == {name}


@pytest.mark.parametrize(
    "source",
    [
        "import os\nfrom livekit import rtc\nos._exit(1)",
        "import logging\nlogging._srcfile = None",
        "from livekit import rtc\nrtc.__version__",
        "from livekit import rtc\nfor _ in rtc.rooms: self._room.name",
    ],
)
def test_the_scan_ignores_names_that_are_not_livekit_s(source: str) -> None:
    """Private names of other packages and of `self`, and special names, are not LiveKit's."""
    assert names_in(ast.parse(source), "unused") == set()


def test_the_scan_finds_what_a_class_shares_with_its_livekit_base() -> None:
    """It finds attributes that are used or shadowed, and unknown ones; own attributes are ignored."""
    source = """
from livekit.agents import Agent

class Mine(Agent):
    def __init__(self):
        super().__init__(instructions="")
        self._tools = []
        self._mine = self._instructions

    def _work(self):
        return self._mine, self._gone
"""
    module = ModuleType("mine")
    exec(source, module.__dict__)  # noqa: S102 - the source above
    assert {"_tools", "_instructions"} <= vars(Agent(instructions="")).keys()
    assert names_in(ast.parse(source), module) == {
        "Agent._tools",
        "Agent._instructions",
        "Mine._gone",
    }
