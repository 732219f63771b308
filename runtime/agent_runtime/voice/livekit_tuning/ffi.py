"""Initialises LiveKit's native client (livekit-ffi) so that it costs a call less.

The Python package `livekit` 1.1 initialises it so that

- each line of its log is handed to Python, including traces of every signalling packet. Each line takes
  Python's lock, is parsed and, below INFO, dropped: half of the CPU time of joining a room goes there, and
  some 70 lines a second follow. The client can write its log itself (`capture_logs` in the C interface of
  livekit-ffi, levels as in `RUST_LOG`): warnings and errors go to standard error, other lines nowhere.
- each event, for instance every audio frame, creates a Python thread state and destroys it again. A thread
  that keeps its own (`PyGILState_Ensure` in "Initialization, Finalization, and Threads" of Python's C API)
  saves allocating, mapping and unmapping memory a hundred times a second.

So this module initialises the client again. Drop it when the package offers both.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from typing import Any, Final

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, ffi_event_callback
from livekit.rtc._proto.ffi_pb2 import FfiEvent

logger = logging.getLogger(__name__)

# The package's own variable: when true, the client's lines come to Python's log as usual, down to DEBUG.
DEBUG_VARIABLE: Final = "LIVEKIT_RTC_DEBUG"
# Variable with the lowest level that the native client logs.
LEVEL_VARIABLE: Final = "RUST_LOG"
# Number of arguments of `livekit_ffi_initialize` for which this module is written: callback, whether to
# capture the log, name and version of the package.
_ARGUMENTS: Final = 4

_thread = threading.local()


def start_ffi_client() -> None:
    """Initialise the client and start its threads; call it once in a process, before its first room."""
    os.environ.setdefault(LEVEL_VARIABLE, "warn")  # read when the client starts
    initialize = FfiClient.instance._ffi_lib.livekit_ffi_initialize  # noqa: SLF001
    if len(initialize.argtypes or ()) != _ARGUMENTS:
        logger.warning(
            "LiveKit's native client has an unknown interface and is left as it is: calls cost more CPU"
        )
        return
    capture = os.environ.get(DEBUG_VARIABLE, "").strip().lower() in ("true", "1")
    initialize(_on_event, capture, b"python", rtc.__version__.encode())


@ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)  # type: ignore[untyped-decorator]
def _on_event(data: Any, length: int) -> None:
    """Do what the package's own callback does, in a thread that keeps its Python state."""
    if not hasattr(_thread, "kept"):
        _thread.kept = True
        ctypes.pythonapi.PyGILState_Ensure()
    event = FfiEvent()
    event.ParseFromString(ctypes.string_at(data, length))
    if event.WhichOneof("message") in ("logs", "panic"):
        ffi_event_callback(data, length)
    else:
        FfiClient.instance.queue.put(event)
