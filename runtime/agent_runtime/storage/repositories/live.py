"""Conditions on the live sessions' rows that several repositories share."""

from __future__ import annotations

from typing import Final

import peewee

from agent_runtime.storage.schema.runtime import LiveSessions
from agent_runtime.storage.sql.statements import bind

THIS_LIVE: Final = LiveSessions.session_id == bind("session_id")
MINE: Final = LiveSessions.holder == bind("job")
UNHELD: Final = LiveSessions.holder.is_null()
# Of this deployment. Earlier versions write no namespace: whoever reads such a session looks after it.
HERE: Final = LiveSessions.namespace.is_null() | (LiveSessions.namespace == bind("namespace"))


def is_latest_dispatch() -> peewee.Node:
    """Whether `dispatch` is the session's last one; binds `dispatch`.

    A job that does not know its dispatch (0) passes as long as the last one is not numbered.
    """
    given = bind("dispatch", "integer")
    unknown = peewee.Expression(given, "=", 0)
    unnumbered = LiveSessions.numbered != LiveSessions.dispatches
    return (LiveSessions.dispatches == given) | (unknown & unnumbered)
