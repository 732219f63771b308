"""The file for Locust: `python -m locust -f load/locustfile.py --load-api URL ...`.

All of Locust's features work. `python -m load` runs it with local services, or with shorter options.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from locust import events

from load.driver.listeners import listen
from load.driver.users import Caller

__all__ = ["Caller"]

listen(events)
