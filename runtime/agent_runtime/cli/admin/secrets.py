"""The command `secrets`: a key for the secrets of agents, and their encryption with it."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from agent_runtime.secrecy.keyring import VARIABLE, generate_key
from agent_runtime.settings import Settings

GENERATE: Final = "generate-key"
ROTATE: Final = "rotate"
STEPS: Final = (GENERATE, ROTATE)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print a new key, or how many rows were encrypted; returns 1 when some cannot be, else 0."""
    if arguments.step == GENERATE:
        print(generate_key())
        return 0
    if settings.secrets.keyring().first is None:
        print(
            f"agent-runtime: {VARIABLE} is not set, and this command needs it; make a key with "
            "`agent-runtime secrets generate-key`",
            file=sys.stderr,
        )
        return 2
    from agent_runtime.wiring.secrets import rotate_secrets

    done = rotate_secrets(settings)
    for problem in done.unreadable:
        print(f"agent-runtime: {problem}", file=sys.stderr)
    print(
        f"{done.encrypted} configurations encrypted anew, {done.current} had the current key already"
    )
    return 1 if done.unreadable else 0
