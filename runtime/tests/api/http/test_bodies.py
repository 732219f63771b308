"""Malformed bodies: faulty fields get zod's words, any other fault a plain sentence."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from fixtures.runtime_client.judged_api import Answer, JudgedApi

REGISTER = "/api/agents/register"
CREATE = "/api/sessions/create"
JSON = {"Content-Type": "application/json"}


def wrong(expected: str, received: str, *path: str) -> dict[str, Any]:
    """The issue that zod 4 reports for a wrong type."""
    return {
        "expected": expected,
        "code": "invalid_type",
        "path": list(path),
        "message": f"Invalid input: expected {expected}, received {received}",
    }


MISSING_CONFIG = {
    "code": "invalid_type",
    "expected": "nonoptional",
    "path": ["config"],
    "message": "Invalid input: expected nonoptional, received undefined",
}
NOTHING = [
    wrong("number", "undefined", "agentId"),
    wrong("number", "undefined", "tenantId"),
    MISSING_CONFIG,
]


def bound(kind: str, name: str, value: int, sign: str) -> dict[str, Any]:
    """The issue that zod 4 reports for a number out of range."""
    return {
        "origin": "number",
        "code": kind,
        name: value,
        "inclusive": True,
        "path": ["agentId"],
        "message": f"{'Too small' if sign == '>=' else 'Too big'}: "
        f"expected number to be {sign}{value}",
    }


def send(api: JudgedApi, body: bytes, path: str = REGISTER, **headers: str) -> Answer:
    """Send bytes as JSON."""
    return api.send("POST", path, body=body, headers=JSON | headers)


@pytest.mark.parametrize(
    ("body", "issues"),
    [
        ({}, NOTHING),
        ([], [wrong("object", "array")]),
        ({"agentId": "7", "tenantId": 1, "config": {}}, [wrong("number", "string", "agentId")]),
        (
            {"agentId": None, "tenantId": True, "config": None},
            [
                wrong("number", "null", "agentId"),
                wrong("number", "boolean", "tenantId"),
                wrong("object", "null", "config"),
            ],
        ),
        (
            {"agentId": [], "tenantId": {}, "config": "x"},
            [
                wrong("number", "array", "agentId"),
                wrong("number", "object", "tenantId"),
                wrong("object", "string", "config"),
            ],
        ),
        (
            {"agentId": 3.5, "tenantId": 1, "config": {}},
            [
                {
                    "expected": "int",
                    "format": "safeint",
                    "code": "invalid_type",
                    "path": ["agentId"],
                    "message": "Invalid input: expected int, received number",
                }
            ],
        ),
        (
            {"agentId": 0, "tenantId": 1, "config": {}},
            [bound("too_small", "minimum", 1, ">=")],
        ),
        (
            {"agentId": 2147483648, "tenantId": 1, "config": {}},
            [bound("too_big", "maximum", 2147483647, "<=")],
        ),
        (
            {"agentId": 1e30, "tenantId": 1, "config": {}},
            [bound("too_big", "maximum", 2147483647, "<=")],
        ),
    ],
)
def test_register_lists_every_fault(api: JudgedApi, body: object, issues: list[Any]) -> None:
    """A register with faulty fields lists them all in order, byte for byte in zod 4's text."""
    refused = api.send("POST", REGISTER, body)
    assert refused.status == 400
    assert refused.error == json.dumps(issues, indent=2)


@pytest.mark.parametrize(
    ("fields", "issues"),
    [
        ({"participantName": None}, [wrong("string", "null", "participantName")]),
        ({"roomName": None}, [wrong("string", "null", "roomName")]),
        (
            {"participantIdentity": 7},
            [wrong("string", "number", "participantIdentity")],
        ),
        (
            {"roomName": 1, "participantName": []},
            [
                wrong("string", "number", "roomName"),
                wrong("string", "array", "participantName"),
            ],
        ),
    ],
)
def test_create_lists_every_fault(api: JudgedApi, fields: Any, issues: list[Any]) -> None:
    """A create with faulty fields lists them all in order, byte for byte in zod 4's text."""
    assert api.create(1, **fields).error == json.dumps(issues, indent=2)


@pytest.mark.parametrize("room", ["agent-{}-room", "agent-{}-room_+4930123_x8Kd3fQz"])
def test_an_agents_room_takes_no_other_agent(api: JudgedApi, room: str) -> None:
    """A room named after an agent is refused for any other agent, with the field and the remedy."""
    own, other = api.new_id(), api.new_id()
    for agent_id in (own, other):
        api.register(agent_id)
    refused = api.create(own, roomName=room.format(other))
    (issue,) = json.loads(refused.error)
    assert (refused.status, issue["path"]) == (400, ["roomName"])
    assert f"agent-{own}-room" in issue["message"]
    assert api.create(own, roomName=room.format(own)).status == 200
    assert api.create(own, roomName=f"agent-{other}-room-2").status == 200


def test_long_names_are_refused(api: JudgedApi) -> None:
    """A room name of up to 255 characters and 256 bytes passes, a longer one is refused."""
    agent_id = api.new_id()
    api.register(agent_id)
    assert api.create(agent_id, roomName="r" * 255).status == 200
    refused = api.create(agent_id, roomName="r" * 256)
    assert "Too big: expected string to have <=255 characters" in refused.error
    assert api.create(agent_id, roomName="é" * 128).status == 200
    assert "LiveKit takes at most 256 bytes" in api.create(agent_id, roomName="é" * 129).error


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, {}],
)
def test_other_content_type_is_no_body(api: JudgedApi, headers: dict[str, str]) -> None:
    """A body of another content type counts as no body: every field is undefined."""
    body = b'{"agentId":1,"tenantId":1,"config":{}}'
    refused = api.send("POST", REGISTER, body=body, headers=headers)
    assert refused.error == json.dumps(NOTHING, indent=2)


def test_empty_body_is_no_body(api: JudgedApi) -> None:
    """An empty body counts as no body: every field is undefined."""
    assert send(api, b"").error == json.dumps(NOTHING, indent=2)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b" ",
        b'{"a":1}x',
        b"'a'",
        b'"text"',
        b"7",
        b"null",
        b"true",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\x00"}',
        b"[" * 50_000,
        b'{"agentId":1,"tenantId":1,"config":' + b'{"a":' * 300 + b"1" + b"}" * 301,
        b'{"agentId":1,"tenantId":1,"config":{"a":' + b"[" * 300 + b"]" * 300 + b"}}",
    ],
)
def test_a_body_that_is_no_json_object(api: JudgedApi, body: bytes) -> None:
    """A body that is not JSON, no object, or nested too deeply is 400 with one plain sentence."""
    refused = send(api, body)
    assert refused.status == 400
    assert refused.error.startswith("The body ")
    assert "Traceback" not in refused.error


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"agentId": 1, "tenantId": 1, "config": {"name": "\0"}}, ["config", "name"]),
        ({"agentId": 1, "tenantId": 1, "config": {"x": [{"y": "a\0"}]}}, ["config", "x", 0, "y"]),
        ({"agentId": 1, "tenantId": 1, "config": {"\0": 1}}, ["config"]),
    ],
)
def test_nul_is_refused_anywhere_in_a_body(api: JudgedApi, body: object, path: list[Any]) -> None:
    """A NUL character in any string of a body is 400, and its path is named."""
    issue = json.loads(api.send("POST", REGISTER, body).error)[0]
    assert (issue["code"], issue["path"]) == ("custom", path)


def test_nul_in_a_room_name_is_refused(api: JudgedApi) -> None:
    """A NUL character in a room name is refused, and the field is named."""
    assert '"roomName"' in api.create(1, roomName="a\0b").error


def test_backslash_before_u0000_is_no_nul(api: JudgedApi) -> None:
    """The escaped text backslash-u-0000 is no NUL character and passes."""
    assert api.register(api.new_id(), name="\\u0000").status == 200


def test_whole_numbers_in_other_spellings(api: JudgedApi) -> None:
    """The spellings 7.0 and 7e0 are the id 7, in bodies and in paths."""
    agent_id = api.new_id()
    for text in (f"{agent_id}.0", f"{agent_id}e0"):
        body = f'{{"agentId":{text},"tenantId":1,"config":{{}}}}'.encode()
        assert send(api, body).json == {"success": True, "agentId": agent_id}
    assert api.send("GET", f"/api/agents/{agent_id}.0").json["registered"] is True


def test_byte_order_mark_and_charset(api: JudgedApi) -> None:
    """A byte order mark is skipped, UTF-8 is accepted as charset, any other charset is 415."""
    body = json.dumps({"agentId": api.new_id(), "tenantId": 1, "config": {}}).encode()
    assert send(api, b"\xef\xbb\xbf" + body).status == 200
    for charset, status in (("utf-8", 200), ('"UTF-8"', 200), ("latin1", 415), ("utf-16", 415)):
        content_type = f"Application/JSON; charset={charset}"
        assert send(api, body, **{"Content-Type": content_type}).status == status
    assert send(api, body, CREATE, **{"Content-Type": content_type}).status == 415


def test_a_key_twice_in_one_object_is_refused(api: JudgedApi) -> None:
    """Whichever value comes first, and within the configuration as well."""
    agent_id = api.new_id()
    for body in (
        f'{{"agentId":{agent_id},"agentId":1,"tenantId":1,"config":{{}}}}',
        f'{{"agentId":1,"agentId":{agent_id},"tenantId":1,"config":{{}}}}',
        f'{{"agentId":{agent_id},"tenantId":1,"config":{{"name":"a","name":"b"}}}}',
    ):
        answer = send(api, body.encode())
        assert answer.status == 400
        assert "twice in one object: send it once" in answer.error


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json ;charset=utf-8", 200),
        ('application/json; a="x;y"; charset=utf-8', 200),
        ('application/json; charset=""', 200),
        ("application/json; charset=latin1; charset=utf-8", 200),
        ("application/json; charset=utf-8; charset=latin1", 415),
        ("application/json;", 400),
        ("application/json; charset=utf-8;", 400),
        ("application/json; =utf-8", 400),
        ("application/json\t; charset=utf-8", 400),
    ],
)
def test_spellings_of_the_media_type(api: JudgedApi, content_type: str, status: int) -> None:
    """The last charset counts; what the Node.js version's parser refuses counts as no body, as there."""
    body = json.dumps({"agentId": api.new_id(), "tenantId": 1, "config": {}}).encode()
    answer = send(api, body, **{"Content-Type": content_type})
    assert answer.status == status
    assert (b"received undefined" in answer.body) is (status == 400)


def test_compressed_bodies(api: JudgedApi) -> None:
    """Gzip and deflate are decompressed, at most to the limit; other encodings are refused."""
    body = json.dumps({"agentId": api.new_id(), "tenantId": 1, "config": {}}).encode()
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100 * 1024
    for compressed, encoding, status in (
        (gzip.compress(body), "gzip", 200),
        (zlib.compress(body), "deflate", 200),
        (body, "identity", 200),
        (body, "gzip", 400),
        (bomb, "gzip", 413),
        (body, "br", 415),
    ):
        assert send(api, compressed, **{"Content-Encoding": encoding}).status == status


@pytest.mark.parametrize("path", [REGISTER, CREATE])
def test_large_body(api: JudgedApi, path: str) -> None:
    """A body above 100 KiB is 413."""
    assert send(api, b" " * (100 * 1024 + 1), path).status == 413
