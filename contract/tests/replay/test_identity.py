"""Generated ids and their symbols, one to one."""

from __future__ import annotations

from contract.agent_api.profile import PROFILE
from contract.replay.identity import Bijection


def test_ids_become_symbols_and_back() -> None:
    """An id that was learnt is translated both ways, wherever it stands."""
    ids = Bijection(PROFILE.ids)
    ids.learn("session-3", "V1StGXR8_Z5jdHi6B-myT")
    text = "/api/sessions/V1StGXR8_Z5jdHi6B-myT/end"
    assert ids.symbolic(text) == "/api/sessions/<session-3>/end"
    assert ids.concrete(ids.symbolic(text)) == text


def test_an_id_given_twice_is_a_clash() -> None:
    """The second symbol for one id names the first."""
    ids = Bijection(PROFILE.ids)
    ids.learn("session-3", "V1StGXR8_Z5jdHi6B-myT")
    ids.learn("session-4", "V1StGXR8_Z5jdHi6B-myT")
    assert ids.clashes == {"session-4": "session-3"}


def test_an_id_that_was_never_given_points_nowhere() -> None:
    """A symbol that the target gave no id for becomes an id of no session."""
    assert (
        Bijection(PROFILE.ids).concrete("/api/sessions/<session-9>")
        == "/api/sessions/no-such-session-9"
    )
