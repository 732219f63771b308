"""The command `db`: check the database's schema, migrate our own tables, or create all of them."""

from __future__ import annotations

import argparse

from agent_runtime.secrecy.shown import escaped
from agent_runtime.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print what was found or done; returns 1 when the schema differs or was not created, else 0."""
    steps = {"check": _check, "migrate": _migrate, "create": _create}
    return steps[arguments.step](settings)


def _create(settings: Settings) -> int:
    from agent_runtime.wiring.admin import create_database

    if missing := create_database(settings):
        print(f"nothing was created: only these shared tables are missing: {', '.join(missing)}.")
        print(
            "Another tool made the others: let it make these, then run `agent-runtime db migrate`."
        )
        return 1
    print("all tables are there")
    return 0


def _migrate(settings: Settings) -> int:
    from agent_runtime.wiring.admin import migrate_database

    versions = migrate_database(settings)
    if versions is None:
        print("SQLite: all tables are there")
    else:
        print(f"applied: {', '.join(map(str, versions))}" if versions else "nothing to do")
    return 0


def _check(settings: Settings) -> int:
    from agent_runtime.wiring.admin import check_database

    findings = check_database(settings)
    for finding in findings:
        print(escaped(str(finding)))
    print(f"{len(findings)} differences" if findings else "the schema is complete")
    return 1 if findings else 0
