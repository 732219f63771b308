"""Jobs that hold sessions."""

from __future__ import annotations

from agent_runtime.domain.lease import Holder

HOLDER = Holder("AJ_one", "worker-one")
OTHER = Holder("AJ_two", "worker-two")
