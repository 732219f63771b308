"""Ends a job process whose worker has died.

LiveKit's job process leaves its loop when the connection to the worker closes. One that is idle can hang in
its native client instead. It then holds a pipe of the fork server open, so that neither ends, and a killed
worker would leave three processes behind.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from multiprocessing.process import BaseProcess
from typing import Final

# Seconds that a job process has for its own end after its worker died, enough to release a session.
GRACE: Final = 5.0


def end_with_worker(grace: float = GRACE) -> None:
    """Exit `grace` seconds after the worker has died, whatever this process does then.

    Does nothing in a process that no other one started: the console, or a thread of a test.
    """
    worker = multiprocessing.parent_process()
    if worker is not None:
        threading.Thread(
            target=_end_after, args=(worker, grace), name="worker-watch", daemon=True
        ).start()


def _end_after(worker: BaseProcess, grace: float) -> None:
    worker.join()
    time.sleep(grace)
    os._exit(1)
