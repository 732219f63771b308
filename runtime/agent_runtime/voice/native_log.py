"""The log of LiveKit's native client: its warnings and errors go to standard error, and the rest nowhere.

The client hands each line of its log to Python by itself, traces of every packet of signalling among them.
Each takes Python's lock, is parsed and, below INFO, dropped: half of the processor time that joining a room
takes, and some 70 lines a second afterwards. The client can write its log itself (`capture_logs` in the C
interface of livekit-ffi, levels as in `RUST_LOG`), but the Python package, at 1.1, always captures it. So
the client is initialised again without. It is for the package to offer this; to be dropped when it does.
"""

from __future__ import annotations

import logging
import os
from typing import Final

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, ffi_event_callback

logger = logging.getLogger(__name__)

# The package's own switch, with which the lines come to our log as before, down to DEBUG.
DEBUG: Final = "LIVEKIT_RTC_DEBUG"
LEVELS: Final = "RUST_LOG"
_ARGUMENTS: Final = 4  # callback, whether to capture the log, name and version of the package


def leave_log_to_client() -> None:
    """Once in a process, before its first room; it starts the client's threads."""
    if os.environ.get(DEBUG, "").strip().lower() in ("true", "1"):
        return
    os.environ.setdefault(LEVELS, "warn")  # read when the client starts
    initialise = FfiClient.instance._ffi_lib.livekit_ffi_initialize  # noqa: SLF001
    if len(initialise.argtypes or ()) != _ARGUMENTS:
        logger.warning(
            "LiveKit's client has another interface, its log is captured: calls cost more"
        )
        return
    initialise(ffi_event_callback, False, b"python", rtc.__version__.encode())
