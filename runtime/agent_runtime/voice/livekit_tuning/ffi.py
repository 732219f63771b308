"""How LiveKit's native client is started in a process that holds a call.

The Python package, at 1.1, starts it so that

- each line of its log is handed to Python, traces of every packet of signalling among them. Each takes
  Python's lock, is parsed and, below INFO, dropped: half of the processor time that joining a room takes,
  and some 70 lines a second afterwards. The client can write its log itself (`capture_logs` in the C
  interface of livekit-ffi, levels as in `RUST_LOG`): warnings and errors go to standard error, and the
  rest nowhere.
- each event, of which every piece of sound is one, makes a Python thread state and drops it again. A thread
  that keeps its own (`PyGILState_Ensure` in "Initialization, Finalization, and Threads" of Python's C API)
  saves allocating, mapping and unmapping memory a hundred times a second.

So the client is initialised again. It is for the package to offer both; to be dropped when it does.
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

# The package's own switch, with which the lines come to our log as before, down to DEBUG.
DEBUG: Final = "LIVEKIT_RTC_DEBUG"
LEVELS: Final = "RUST_LOG"
_ARGUMENTS: Final = 4  # callback, whether to capture the log, name and version of the package

_here = threading.local()


def start_ffi_client() -> None:
    """Once in a process, before its first room; it starts the client's threads."""
    os.environ.setdefault(LEVELS, "warn")  # read when the client starts
    initialise = FfiClient.instance._ffi_lib.livekit_ffi_initialize  # noqa: SLF001
    if len(initialise.argtypes or ()) != _ARGUMENTS:
        logger.warning(
            "LiveKit's client has another interface, it is left as it is: calls cost more"
        )
        return
    capture = os.environ.get(DEBUG, "").strip().lower() in ("true", "1")
    initialise(_on_event, capture, b"python", rtc.__version__.encode())


@ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)  # type: ignore[untyped-decorator]
def _on_event(data: Any, length: int) -> None:
    """The package's own callback, in a thread that keeps its state."""
    if not hasattr(_here, "kept"):
        _here.kept = True
        ctypes.pythonapi.PyGILState_Ensure()
    event = FfiEvent()
    event.ParseFromString(ctypes.string_at(data, length))
    if event.WhichOneof("message") in ("logs", "panic"):
        ffi_event_callback(data, length)
    else:
        FfiClient.instance.queue.put(event)
