"""Why a run cannot be judged.

Inconclusive                 base: the gate prints the message and ends with exit code 2
├── TargetUnreachable        no server accepts connections at the address
├── TargetMisbehaved         the target hung, closed, sent too much, or did not speak HTTP
├── WrongTarget              a server answers, but it is not the announced service
├── BrokenInput              the profile, openapi.yaml, the ledger, the corpus or a mutant is invalid
└── BudgetSpent              the seconds of --budget have passed
"""

from __future__ import annotations


class Inconclusive(Exception):
    """The run proves nothing; the message gives the cause and the remedy."""


class TargetUnreachable(Inconclusive):
    """No server accepts connections at the address."""


class TargetMisbehaved(Inconclusive):
    """The target did not answer as an HTTP server within the limits."""


class WrongTarget(Inconclusive):
    """A server answers, but it is not the announced service."""


class BrokenInput(Inconclusive):
    """A file that the gate reads is invalid; the message names the file and the place."""


class BudgetSpent(Inconclusive):
    """The seconds of --budget passed before the run was complete."""
