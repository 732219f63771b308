"""Variants made of the lists: each list is used whole, and each entry once in each place."""

from __future__ import annotations

import gzip
import json
import zlib

from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from contract.http.messages import RECORDED_KEY, Request
from contract.record.beside import beside
from contract.record.bounds import bounds
from contract.record.lists import read, texts
from contract.record.probes import probes

API = Api.load(PROFILE)
KEY = ("Authorization", f"Bearer {RECORDED_KEY}")
BODY = {"agentId": 7, "tenantId": 3, "roomName": "hall"}
POST = Request("POST", "/api/sessions/create", (KEY, ("Content-Type", "application/json")))
POST = POST.with_body(json.dumps(BODY).encode())
GET = Request("GET", "/api/metrics/agent/7", (KEY,))


def made(request: Request, *, whole: bool = True) -> dict[str, Request]:
    """All variants by name; no name stands twice, and no request is the valid one."""
    match = API.spec.match(request.method, request.path)
    dates = API.spec.date_parameters if request.method == "GET" else ()
    pairs = list(probes(request, list(match.path), match.path, dates, whole=whole))
    assert len({name for name, _ in pairs}) == len(pairs)
    assert request not in [variant for _, variant in pairs]
    return dict(pairs)


def test_every_text_stands_in_every_text_field() -> None:
    """A text of the list arrives as it is, in UTF-8, beside the other valid fields."""
    found = made(POST)
    for name, text in texts().items():
        assert json.loads(found[f"texts/roomName-{name}"].body) == {**BODY, "roomName": text}


def test_texts_have_both_sides_of_255_in_every_unit() -> None:
    """Code points, UTF-16 units and bytes of UTF-8 each have a text of 254 or 255 and one beyond."""
    lengths = [(len(t), len(t.encode("utf-16-le")) // 2, len(t.encode())) for t in texts().values()]
    for unit in range(3):
        values = {found[unit] for found in lengths}
        assert values & {254, 255}
        assert values & {256, 257, 258}


def test_numbers_stand_as_they_are_written() -> None:
    """The lexeme of the list is in the body, for each number of it."""
    bodies = [variant.body for name, variant in made(POST).items() if name.startswith("numbers/")]
    assert any(b'"agentId": 1e309,' in body for body in bodies)
    assert any(b'"tenantId": 3.0,' in body for body in bodies)
    assert len(bodies) >= 2 * len(read("numbers")["json"]) - 2


def test_a_doubled_key_has_two_values() -> None:
    """The two values differ, so the answer tells which one counted; both orders are there."""
    found = made(POST)
    pairs = [
        json.loads(found[f"doubled/{name}"].body, object_pairs_hook=list)
        for name in ("agentId-then-other", "other-then-agentId")
    ]
    values = [[value for key, value in pair if key == "agentId"] for pair in pairs]
    assert values == [[7, 8], [8, 7]]


def test_codings_say_what_they_do() -> None:
    """The body is packed as the list has it, and the length is that of the packed one."""
    found = made(POST)
    members = found["media/coding-gzip-two-members"]
    assert gzip.decompress(members.body) == POST.body
    assert members.header("content-length") == str(len(members.body))
    assert zlib.decompress(found["media/coding-deflate"].body) == POST.body


def test_credentials_and_headers_are_for_the_probed_only() -> None:
    """The long lists of credentials and headers come with `whole`."""
    kinds = {name.partition("/")[0] for name in made(GET)}
    assert kinds - {name.partition("/")[0] for name in made(GET, whole=False)} == {
        "credentials",
        "headers",
    }


def test_the_right_key_elsewhere_comes_without_authorization() -> None:
    """A service that reads the key from another header or the query would let these pass."""
    found = made(GET)
    assert found["credentials/header-X-API-Key"].header("authorization") is None
    assert found["credentials/header-X-API-Key"].header("x-api-key") == "<<key>>"
    assert found["credentials/query-api_key="].target == "/api/metrics/agent/7?api_key=<<key>>"


def test_dates_have_times_of_the_run() -> None:
    """Placeholders stay for the replay; spellings go as they are."""
    found = made(GET)
    assert found["dates/startDate-0"].target == "/api/metrics/agent/7?startDate=<<day(0)>>"
    assert any("2023-02-29" in variant.target for variant in found.values())


def test_bounds_are_met_and_missed() -> None:
    """Both sides of a bound of openapi.yaml are there, in the body and below `config`."""
    body = {"agentId": 7, "tenantId": 3, "config": {"maxConcurrentSessions": 5}}
    register = Request("POST", "/api/agents/register", (KEY,)).with_body(json.dumps(body).encode())
    found = dict(bounds(register, API.spec, "POST /api/agents/register"))
    limits = [json.loads(v.body)["config"].get("temperature") for v in found.values()]
    assert {0, -1, 2, 3, -0.001, 2.001} <= {
        value for value in limits if not isinstance(value, list)
    }
    spelled = json.loads(found["config.maxConcurrentSessions-snake-case"].body)["config"]
    assert spelled == {"max_concurrent_sessions": 1}
    assert (
        json.loads(found["config.sttProvider-deepgram-upper"].body)["config"]["sttProvider"]
        == "DEEPGRAM"
    )


def test_paths_beside_have_parents_siblings_and_every_method() -> None:
    """Parents of documented paths get every method; what is documented, or new, is left out."""
    values = {"agentId": "7", "tenantId": "3", "sessionId": "abc"}
    found = dict(beside(API.spec, frozenset({"/metrics"}), values))
    for method in read("paths")["methods"]:
        assert f"{method} /api/sessions" in found
    assert "GET /api/session/abc" in found
    targets = {request.target for request in found.values()}
    assert not targets & {"/api/agents", "/health", "/metrics", "/metrics/agent/7"}
