"""Generated ids and their symbols, one to one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from contract.api.profile import GeneratedIds
from contract.http.messages import Answer, Effect, Request
from contract.replay.identity import (
    Bijection,
    concrete_request,
    new_id,
    symbolic_answer,
    symbolic_request,
)
from contract.tests.samples import HTML, JSON, answer, request

OWN = "V1StGXR8_Z5jdHi6B-myT"


@pytest.fixture
def ids() -> Bijection:
    """A target that handed out one id in step 3."""
    found = Bijection(PROFILE.ids)
    found.learn("session-3", OWN)
    return found


def test_ids_become_symbols_and_back(ids: Bijection) -> None:
    """An id that was learnt is translated both ways, wherever it stands."""
    text = f"/api/sessions/{OWN}/end"
    assert ids.symbolic(text) == "/api/sessions/<session-3>/end"
    assert ids.concrete(ids.symbolic(text)) == text


def test_an_id_given_twice_is_a_clash(ids: Bijection) -> None:
    """The second symbol for one id names the first, which keeps it."""
    ids.learn("session-4", OWN)
    assert ids.clashes == {"session-4": "session-3"}
    assert ids.symbolic(OWN) == "<session-3>"
    assert ids.concrete("<session-4>") == "no-such-session-4"
    assert ids.symbolic("Session no-such-session-4 not found") == "Session <session-4> not found"


def test_an_id_that_was_never_given_points_nowhere() -> None:
    """A symbol that the target gave no id for becomes an id of no session."""
    assert (
        Bijection(PROFILE.ids).concrete("/api/sessions/<session-9>")
        == "/api/sessions/no-such-session-9"
    )


def test_an_id_learnt_later_is_translated_too(ids: Bijection) -> None:
    """A translation before an id was known does not hide the id afterwards."""
    assert ids.symbolic("another-own-id") == "another-own-id"
    ids.learn("session-4", "another-own-id")
    assert ids.symbolic(f"another-own-id {OWN}") == "<session-4> <session-3>"


def test_the_longest_id_wins() -> None:
    """An id that is the begin of another one does not spoil the other."""
    found = Bijection(PROFILE.ids)
    found.learn("session-1", "abcdefgh")
    found.learn("session-2", "abcdefgh-2")
    assert found.symbolic("abcdefgh-2 abcdefgh") == "<session-2> <session-1>"
    assert found.symbolic("abcdefgh-3, abcdefgabcdefgh") == "<session-1>-3, abcdefg<session-1>"
    assert found.symbolic("abcdefg") == "abcdefg"


def test_a_short_id_is_not_searched_in_texts() -> None:
    """An id such as 7 would be found in every number; requests still get it for its symbol."""
    found = Bijection(PROFILE.ids)
    found.learn("session-1", "7")
    assert found.symbolic('{"count":7}') == '{"count":7}'
    assert found.concrete("/x/<session-1>") == "/x/7"


def test_ids_are_no_patterns() -> None:
    """Characters of an id, or of the symbol's word, have no meaning in a regular expression."""
    found = Bijection(GeneratedIds("Id", ".+", symbol="a.b"))
    found.learn("a.b-1", "id.with+(signs")
    assert found.symbolic("id.with+(signs") == "<a.b-1>"
    assert found.symbolic("idxwith+(signs") == "idxwith+(signs"
    assert found.concrete("<a.b-1> <axb-1>") == "id.with+(signs <axb-1>"


CREATE = "/api/sessions/create"


@pytest.mark.parametrize(
    ("sent", "got", "found"),
    [
        (request("POST", CREATE), answer({"session": {"sessionId": OWN}}), OWN),
        (request("POST", f"{CREATE}/"), answer({"session": {"sessionId": OWN}}), OWN),
        (request("POST", CREATE), answer({"session": {"sessionId": ""}}), None),
        (request("POST", CREATE), answer({"session": {"sessionId": 12345678}}), None),
        (request("POST", CREATE), answer({"session": None}), None),
        (request("POST", CREATE), answer([]), None),
        (request("POST", CREATE), answer({"session": {"sessionId": OWN}}, 400), None),
        (request("GET", CREATE), answer({"session": {"sessionId": OWN}}), None),
        (request("POST", CREATE), Answer(200, HTML, b"<p>"), None),
        (request("POST", CREATE), Answer(200, JSON, b"{"), None),
    ],
)
def test_new_ids_are_found_where_the_document_has_them(
    api: Api, sent: Request, got: Answer, found: str | None
) -> None:
    """An id is new only at its documented place of a documented answer, as a text."""
    assert new_id(api, sent, got) == found


def test_requests_carry_ids_in_paths_and_queries_alone(ids: Bijection) -> None:
    """Path and query are translated both ways; headers and body are sent as recorded."""
    sent = Request("POST", f"/a/{OWN}?of={OWN}", (("X", OWN),), OWN.encode())
    symbolic = symbolic_request(sent, ids)
    assert symbolic == replace(sent, target="/a/<session-3>?of=<session-3>")
    assert concrete_request(symbolic, ids) == sent


def test_answers_show_symbols_in_every_part(ids: Bijection) -> None:
    """Headers, body and calls are translated; calls are sorted by what they say then."""
    ids.learn("session-1", "zzzzzzzz-own-id")

    def call(name: str, own: Any) -> Effect:
        return Effect(name, json.dumps({"id": own}))

    got = Answer(
        200,
        (("Location", f"/x/{OWN}"),),
        b"\xff" + OWN.encode(),
        effects=(call("Launch", OWN), call("Launch", "zzzzzzzz-own-id"), call("Delete", OWN)),
    )
    found = symbolic_answer(got, ids)
    assert found.headers == (("Location", "/x/<session-3>"),)
    assert found.body == b"\xff<session-3>"
    assert found.effects == (
        call("Delete", "<session-3>"),
        call("Launch", "<session-1>"),
        call("Launch", "<session-3>"),
    )
