"""The command `config`: show the settings in force."""

from __future__ import annotations

import argparse

from agent_runtime.settings import Settings


def run(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Print every variable with its value, secrets hidden."""
    for variable, value in settings.variables().items():
        print(f"{variable}={value}")
    return 0
