"""What caller hosts report: JSON objects, one a line; a run's journal is a file of them.

`at`, `began`, `ended` and the like are seconds since the epoch, durations are milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

Message: TypeAlias = dict[str, Any]

JOURNAL: Final = "journal.jsonl"  # the name of the file in the folder of a run

PLAN: Final = "plan"  # first of a journal: what was to be done
SAMPLE: Final = "sample"  # call, stage, at, ms, error or None
TURN: Final = "turn"  # one question and its answer, once it has been understood
CALL_BEGUN: Final = "call-begun"  # call, at
CALL_OVER: Final = "call-over"  # call, session, began, ended, cut (why it ended early) or None
MACHINE: Final = "machine"  # each second of a caller host: lag, cpu, system, callers
TROUBLE: Final = "trouble"  # why the results are not whole, in words
END: Final = "end"  # last of a journal: the run came to its end


def encode(message: Message) -> str:
    """One line, with its end."""
    return json.dumps(message, separators=(",", ":")) + "\n"


def decode(lines: Iterable[str]) -> Iterator[Message]:
    """Each message; a line that was cut off by a full disk or a crash is left out."""
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and "kind" in message:
            yield message


def of_kind(messages: Iterable[Message], kind: str) -> list[Message]:
    """Those of one kind, in order."""
    return [message for message in messages if message["kind"] == kind]
