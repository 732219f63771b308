"""Keeps a caller host's standard output for its reports: the driver reads until it is closed."""

from __future__ import annotations

import os
import sys


def claim_stdout() -> None:
    """Keep standard output from child processes, so that it closes when this process ends, not later."""
    own = os.dup(1)  # os.dup makes it non-inheritable
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.stdout = os.fdopen(own, "w")
