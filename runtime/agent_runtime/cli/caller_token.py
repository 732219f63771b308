"""The command `token`: make an access token with which a person joins a room by hand."""

from __future__ import annotations

import argparse
from datetime import timedelta

from agent_runtime.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the token."""
    from agent_runtime.wiring.admin import caller_token

    valid = timedelta(minutes=arguments.minutes)
    print(caller_token(settings, arguments.room, arguments.identity, valid))
    return 0
