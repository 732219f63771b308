"""The command `config`: show the settings in force."""

from __future__ import annotations

import argparse

from agent_runtime.settings import Settings


def run(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Print every variable with its value, secrets hidden."""
    without_effect = settings.without_effect()
    for variable, value in settings.variables().items():
        note = "  # nothing acts on it yet" if variable in without_effect else ""
        print(f"{variable}={value}{note}")
    return 0
