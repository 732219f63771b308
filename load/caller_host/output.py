"""Standard output of a caller host is for its reports: who reads them waits until it is closed."""

from __future__ import annotations

import os
import sys


def own_output() -> None:
    """No child gets it, so that it is closed when this process ends, whatever children do then."""
    own = os.dup(1)  # is not passed on
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.stdout = os.fdopen(own, "w")
