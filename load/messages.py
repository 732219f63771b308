"""The reports of caller hosts: JSON objects, one a line. A run's journal is a file of them.

`at`, `began`, `ended` and the like are seconds since the epoch, durations are milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

Message: TypeAlias = dict[str, Any]

JOURNAL: Final = "journal.jsonl"  # the name of the file in the folder of a run

PLAN: Final = "plan"  # first message of a journal: the options of the run
SAMPLE: Final = "sample"  # one measurement: call, stage (the metric), at, ms, error or None
TURN: Final = "turn"  # one question and its answer, reported when the answer has been judged
CALL_BEGUN: Final = "call-begun"  # call, at
CALL_OVER: Final = "call-over"  # call, session, began, ended, cut: why it ended early, or None
MACHINE: Final = "machine"  # each second from a caller host: lag, cpu, system, callers
TROUBLE: Final = "trouble"  # the reason why the results are partial
END: Final = "end"  # last message of a journal: the run was not killed


def encode(message: Message) -> str:
    """A message as one line, newline included."""
    return json.dumps(message, separators=(",", ":")) + "\n"


def decode(lines: Iterable[str]) -> Iterator[Message]:
    """Each message of the lines; skips a line that a full disk or a crash cut off."""
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and "kind" in message:
            yield message


def of_kind(messages: Iterable[Message], kind: str) -> list[Message]:
    """The messages of one kind, in order."""
    return [message for message in messages if message["kind"] == kind]
