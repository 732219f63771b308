"""Shortest replays as shell commands: a real shell and a real curl send what the gate sent."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from functools import partial

import pytest

from contract.http.address import Address
from contract.http.messages import RECORDED_KEY, Headers, Request
from contract.http.wire import send
from contract.judge.material import Material
from contract.record.mutators import variants
from contract.record.proxy import RecordingProxy
from contract.report.commands import commands
from contract.tests.another_api.lockers import KEY, Behaviour, Server
from contract.tests.report.samples import JSON, Sample, answer, get, material_of, store
from contract.tests.report.samples import KEY as KEYED

OK = answer({})
# curl sets these itself: framing, and who it is.
_OF_CURL = frozenset({"host", "content-length", "transfer-encoding", "user-agent", "accept"})


async def shell(
    script: str, url: str, key: str = "the key'\"$x"
) -> subprocess.CompletedProcess[str]:
    """Run a script as someone would who pastes it."""
    environ = {"PATH": os.environ["PATH"], "URL": url, "KEY": key}
    return await asyncio.to_thread(
        subprocess.run, ["/bin/sh", "-c", script],
        env=environ, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


async def sent(requests: Sequence[Request]) -> list[Request]:
    """What a service receives when the commands for these requests are pasted."""
    material = material_of([Sample(request, OK, OK) for request in requests])
    server = Server(Behaviour())
    try:
        async with RecordingProxy(partial(send, Address.of(server.url))) as proxy:
            result = await shell(commands(material, range(len(requests))), proxy.url)
            assert "curl:" not in result.stderr.replace("curl: (28)", ""), result.stderr
            return [taken.request for taken in proxy.taken]
    finally:
        server.stop()


def headers(request: Request) -> Headers:
    """The headers that are the request's own, in their order."""
    return tuple((n, v) for n, v in request.headers if n.lower() not in _OF_CURL)


def with_key(request: Request) -> Request:
    """The request with the key of the shell's variable."""
    value = request.header("authorization")
    keyed = None if value is None else value.replace(RECORDED_KEY, "the key'\"$x")
    found = tuple((n, keyed if n == "Authorization" and keyed else v) for n, v in request.headers)
    return Request(request.method, request.target, found, request.body)


GET = Request("GET", "/parcels/a?since=2001-01-01", (KEYED,))
POST = Request("POST", "/parcels", (KEYED, JSON)).with_body(
    b'{"locker":"it\'s $HOME `x`","grams":1}'
)
MUTATED = [
    variant
    for request in (GET, POST)
    for name, variant in variants(request, ("since",), 3000)
    if name.partition("/")[0] in ("keys", "methods", "queries", "content_types", "unasked_bodies")
]
ODD = [
    Request("GET", "/a'b''", ()),
    Request("GET", "/$(x)/`y`/\\z?a[]=1&b={1,2}&c=[1-3]", ()),
    Request("GET", "/a/../b/./c//d/", ()),
    Request("GET", "/x", (("X-Empty", ""), ("X-Quote", 'it\'s "$HOME"'), ("x-quote", "two"))),
    Request("POST", "/x", (JSON,)).with_body(b"@/etc/hostname"),
    Request("POST", "/x", (JSON,)).with_body(b"line 1\r\nline 2\n"),
    Request("POST", "/x", (JSON,)).with_body(b"nul \0 and more"),
    Request("POST", "/x", (JSON,)).with_body("Zoë".encode()),
    Request("POST", "/x", (JSON,)).with_body(b"\xff\xfe"),
    Request("POST", "/x", ()).with_body(b"without a type"),
    Request("DELETE", "/x", (KEYED,)),
    Request("PATCH", "/x", (KEYED, JSON)).with_body(b"{}"),
]


@pytest.mark.parametrize("requests", [ODD, MUTATED], ids=["odd", "mutated"])
async def test_the_pasted_command_sends_what_the_gate_sent(requests: list[Request]) -> None:
    """Method, target, headers and body arrive byte by byte; only the key is that of `$KEY`."""
    received = await sent(requests)
    assert len(received) == len(requests)
    for request, found in zip(map(with_key, requests), received, strict=True):
        assert (found.method, found.target) == (request.method, request.target)
        assert found.content == request.content, request
        assert sorted(headers(found)) == sorted(headers(request)), request


def pasted(material: Material, indexes: Sequence[int]) -> str:
    """The commands without their first line, which says how to use them."""
    first, *lines = commands(material, indexes).split("\n")
    assert first.startswith("# set URL")
    return "\n".join(lines)


async def test_a_later_command_uses_the_id_of_an_earlier_answer() -> None:
    """An id that the service hands out is read from its answer into a variable, and used."""
    samples = [
        store("recorded-000"),
        store("recorded-111", grams=77),
        get(
            "/parcels/recorded-111",
            answer({"code": "recorded-111"}),
            answer({"code": "recorded-111"}),
        ),
    ]
    script = commands(material_of(samples), [0, 1, 2])
    server = Server(Behaviour())
    try:
        result = await shell(script, server.url, KEY)
        codes = list(server.lockers.parcels)
    finally:
        server.stop()
    assert "PARCEL_1=$(curl" in script
    assert "PARCEL_0" not in script  # nothing uses that id
    assert result.stdout.rstrip().endswith("}"), result.stdout + result.stderr
    assert f'"code":"{codes[1]}"' in result.stdout.replace(" ", "")
    assert '"grams":77' in result.stdout


async def test_requests_of_a_group_run_at_the_same_time() -> None:
    """Members of a group go to the background, and the script waits for all of them."""
    group = [Sample(Request("GET", f"/up?{n}", ()), OK, OK, together="rush") for n in range(3)]
    material = material_of([*group, Sample(Request("GET", "/up?last", ()), OK, OK)])
    script = pasted(material, [0, 1, 2])
    assert [line.endswith(" &") for line in script.split("\n") if line.startswith("curl")] == [
        True
    ] * 3
    assert script.endswith("\nwait")
    assert "wait" not in pasted(material, [3])
    server = Server(Behaviour())
    try:
        result = await shell(script, server.url)
    finally:
        server.stop()
    assert result.stdout.count('{"state":"up"}') == 3


def test_each_command_names_its_step_and_the_change_before_it() -> None:
    """Comments give the step with its source, and the change of the service that must come first."""
    samples = [Sample(GET, OK, OK), Sample(GET, OK, OK, before="restart")]
    lines = pasted(material_of(samples), [0, 1]).split("\n")
    comments = [line for line in lines if line.startswith("#")]
    assert comments == ["# step 0, scenario/life/0", "# now: restart", "# step 1, scenario/life/1"]


def test_the_recorded_key_is_never_in_a_command() -> None:
    """Whoever pastes the commands gives the key in `$KEY`: the placeholder would be refused."""
    text = commands(material_of([Sample(v, OK, OK) for v in MUTATED]), range(len(MUTATED)))
    assert RECORDED_KEY not in text
    assert '"$KEY"' in text


def test_a_large_body_is_not_pasted() -> None:
    """A body beyond 4 KiB is left to standard input, and the script stays valid around it."""
    large = store("recorded-000", more="x" * 5000)
    user = get("/parcels/recorded-000", answer({}), answer({}))
    script = commands(material_of([large, user]), [0, 1])
    assert "xxxx" not in script
    assert f"{len(large.request.body)} bytes" in script
    checked = subprocess.run(
        ["/bin/sh", "-n", "-c", script], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    # The command still reads the id, and nothing of it is lost in a comment.
    (line,) = [one for one in script.split("\n") if one.startswith("PARCEL_0=")]
    assert line.endswith('; echo "$PARCEL_0"')
    assert "#" not in line
