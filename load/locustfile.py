"""For Locust: `python -m locust -f load/locustfile.py --load-api URL ...`; everything Locust does works.

`python -m load` is this with servers of its own, or with shorter options.
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
