"""Why a run cannot be judged.

Inconclusive                 base: the gate ends with exit code 2 and the message
├── TargetUnreachable        nothing accepts connections there
├── TargetMisbehaved         it hung, closed, sent too much, or did not speak HTTP
├── WrongTarget              something answers, but it is not the service that was announced
├── BrokenInput              the ledger, the contract, the corpus or a mutant does not parse
└── BudgetSpent              the seconds of --budget are over
"""

from __future__ import annotations


class Inconclusive(Exception):
    """The run proves nothing; the message says why and what to do."""


class TargetUnreachable(Inconclusive):
    """Nothing accepts connections at the address."""


class TargetMisbehaved(Inconclusive):
    """The target did not answer as an HTTP server within the limits."""


class WrongTarget(Inconclusive):
    """Something answers, but it is not the service that was announced."""


class BrokenInput(Inconclusive):
    """A file that the gate reads is at fault; the message names the file and the place."""


class BudgetSpent(Inconclusive):
    """The seconds of --budget are over before the run was."""
