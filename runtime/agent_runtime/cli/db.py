"""The command `db`: check the database's schema, or migrate our own tables."""

from __future__ import annotations

import argparse

from agent_runtime.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print what was found or done; returns 1 when the schema differs, else 0."""
    return _migrate(settings) if arguments.step == "migrate" else _check(settings)


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
        print(finding)
    print(f"{len(findings)} differences" if findings else "the schema is complete")
    return 1 if findings else 0
