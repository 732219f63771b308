"""The parity gate: replays recorded requests against the old and the new service and judges.

`python -m contract` runs it; `docs/parity.md` tells how to use and read it. It knows both services
from outside only: HTTP, processes, and what they ask of the LiveKit server.
"""
