"""A service at an address, with its own key and hooks."""

from __future__ import annotations

from dataclasses import dataclass, field

from contract.http.messages import RECORDED_KEY, Effect, Request
from contract.targets.http_target import HttpTarget
from contract.targets.testbed import Testbed
from contract.tests.raw_server import raw_server

ECHO = b"HTTP/1.1 200 OK\r\nX-Key: secret-key-1\r\nContent-Length: 12\r\n\r\nsecret-key-1"


@dataclass
class Calls:
    """A record of one call, taken once."""

    effects: list[Effect] = field(default_factory=lambda: [Effect("Launch", "{}")])

    async def take(self) -> tuple[Effect, ...]:
        """The calls so far."""
        taken, self.effects = tuple(self.effects), []
        return taken


async def test_the_key_goes_out_and_never_comes_back() -> None:
    """The target's key replaces the recorded one in requests, and vanishes from echoing answers."""
    request = Request("GET", "/", (("Authorization", f"Bearer {RECORDED_KEY}"),))
    async with raw_server(ECHO) as server:
        answer = await HttpTarget("new", server.address, "secret-key-1").send(request)
    assert b"Bearer secret-key-1" in server.received[0]
    assert answer.body == RECORDED_KEY.encode()
    assert answer.header("x-key") == RECORDED_KEY


async def test_a_short_key_is_not_searched_in_answers() -> None:
    """A key of a few characters would be found within ids, so answers stay as they are."""
    async with raw_server(ECHO) as server:
        answer = await HttpTarget("new", server.address, "key").send(Request("GET", "/", ()))
    assert answer.body == b"secret-key-1"


async def test_answers_carry_the_calls_to_the_peer() -> None:
    """A watched target adds the calls since the last answer; a reset forgets those before it."""
    calls = Calls()

    async def nothing() -> None:
        """Reset nothing."""

    async with raw_server(ECHO) as server:
        target = HttpTarget("new", server.address, "k", {"reset": nothing}, calls)
        answer = await target.send(Request("GET", "/", ()))
        assert answer.effects == (Effect("Launch", "{}"),)
        calls.effects = [Effect("Late", "{}")]
        await target.reset()
        assert (await target.send(Request("GET", "/", ()))).effects == ()
    assert target.watched
    assert not HttpTarget("old", server.address, "k").watched


async def test_a_testbed_can_what_all_its_targets_can() -> None:
    """A change that one target lacks is impossible; the second old service does not count."""

    async def nothing() -> None:
        """Change nothing."""

    async with raw_server(ECHO) as server:
        hooks = dict.fromkeys(("reset", "restart", "db-away", "db-back"), nothing)
        able = HttpTarget("old", server.address, "k", hooks, Calls())
        unable = HttpTarget("new", server.address, "k", {"reset": nothing})
    faults = {"db-away": "db-back"}
    both = Testbed(able, unable, (able,), faults, "watch-peer")
    assert both.cannot == frozenset()
    assert both.possible_faults == {"db-away"}
    assert (both.watched, both.can_reset) == (True, True)
    one = Testbed(able, None, (able, unable), faults, "watch-peer")
    assert one.cannot == {"restart", "db-away", "db-back", "watch-peer"}
    assert (one.possible_faults, one.can_reset) == (frozenset(), True)
