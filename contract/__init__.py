"""The parity gate: replays recorded requests against the old and the new service and judges.

`python -m contract` runs it; `docs/parity.md` explains how to use and read it. The gate knows both
services from outside only: HTTP, processes, and their calls to the LiveKit server. What it knows of
our API is in `contract.agent_api`; every other package works for any API that has a profile.

A run, from left to right; each package imports only packages to its left and the base:

    base: errors < http < values, targets < api
    corpus < replay, testbed < judge < ledger, mutants, record < report < options < run < agent_api
"""
