"""Errors of PostgreSQL as text: what happened and where, never a value of a row.

The server quotes values: "Failing row contains (7, 3, {...})" in the detail of an error, and the value
itself in the message of a malformed one (PostgreSQL's manual, "Reporting Errors Within the Server").
"""

from __future__ import annotations

from typing import Final

import psycopg2

from agent_runtime.secrecy.urls import hide_in_text

# Classes of SQLSTATE (the manual's appendix A) whose messages are about connections, rights and the server:
# connection, transaction state, authorization, database, resources, object state, intervention, system.
_ABOUT_THE_SERVER: Final = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58"})
# Messages that name columns, functions or prepared statements; only that of a syntax error, whose
# SQLSTATE follows, quotes the statement.
_ABOUT_NAMES: Final = frozenset({"42", "26", "0A"})
_SYNTAX_ERROR: Final = "42601"


def brief(error: BaseException) -> str:
    """One line on the error: its message where that holds no value of a row, else SQLSTATE and names."""
    code = getattr(error, "pgcode", None)
    if not isinstance(error, psycopg2.Error) or code is None:
        lines = str(error).strip().splitlines()
        return hide_in_text(lines[0]) if lines else type(error).__name__
    if code != _SYNTAX_ERROR and code[:2] in _ABOUT_THE_SERVER | _ABOUT_NAMES:
        return hide_in_text((error.diag.message_primary or type(error).__name__).splitlines()[0])
    names = (
        ("table", error.diag.table_name),
        ("column", error.diag.column_name),
        ("constraint", error.diag.constraint_name),
    )
    where = "".join(f", {kind} {name}" for kind, name in names if name)
    return f"SQLSTATE {code} ({type(error).__name__}){where}"
