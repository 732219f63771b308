"""The state machine of a session, and the form of its id."""

import re

import pytest

from agent_runtime.domain.session import (
    LIVE,
    TRANSITIONS,
    SessionStatus,
    may_become,
    new_session,
    new_session_id,
)


def test_final_states_lead_nowhere() -> None:
    """Ended and error are final, connecting and active are live; nothing returns to connecting."""
    assert {status for status in SessionStatus if status.is_final} == {
        SessionStatus.ENDED,
        SessionStatus.ERROR,
    }
    assert set(SessionStatus) - LIVE == {SessionStatus.ENDED, SessionStatus.ERROR}
    assert all(SessionStatus.CONNECTING not in targets for targets in TRANSITIONS.values())


@pytest.mark.parametrize(
    ("target", "sources"),
    [
        (SessionStatus.CONNECTING, set()),
        (SessionStatus.ACTIVE, {SessionStatus.CONNECTING}),
        (SessionStatus.ENDED, {SessionStatus.CONNECTING, SessionStatus.ACTIVE}),
        (SessionStatus.ERROR, {SessionStatus.CONNECTING, SessionStatus.ACTIVE}),
    ],
)
def test_may_become_reads_the_arrows_backwards(
    target: SessionStatus, sources: set[SessionStatus]
) -> None:
    """`may_become` names exactly the states that the drawing leads from."""
    assert may_become(target) == sources


def test_ids_have_the_form_clients_know() -> None:
    """An id is 21 characters of nanoid's alphabet, and two are never the same."""
    ids = {new_session_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{21}", session_id) for session_id in ids)


def test_empty_room_name_gets_a_room_of_its_own() -> None:
    """Without a room name the room is named after the session; a given name is kept."""
    session = new_session(1, 1, "")
    assert session.room_name == f"session-{session.session_id}"
    assert new_session(1, 1, "lobby").room_name == "lobby"
