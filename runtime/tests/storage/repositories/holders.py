"""Jobs that hold sessions: two of unknown dispatches, one of the first and one of the second."""

from __future__ import annotations

from agent_runtime.domain.lease import Holder

HOLDER = Holder("AJ_one", "worker-one")
OTHER = Holder("AJ_two", "worker-two")
FIRST = Holder("AJ_four", "worker-two", dispatch=1)
SECOND = Holder("AJ_three", "worker-one", dispatch=2)
