"""The testbed of a run: given addresses or services of the profile, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.errors import BrokenInput, TargetMisbehaved, TargetUnreachable, WrongTarget
from contract.http.messages import Request
from contract.testbed import preflight
from contract.testbed.external import External, external, external_old
from contract.testbed.setup import testbed as opened
from contract.tests.another_api.lockers import KEY, PROFILE, Behaviour, Server
from contract.tests.samples import request
from fixtures.processes.ports import free_ports


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Three lockers: old, old again, new."""
    found = [Server(Behaviour()) for _ in range(3)]
    yield found
    for server in found:
        server.stop()


def given(servers: list[Server], **other: Any) -> External:
    """The addresses of an old and a new service."""
    found = External(servers[0].url, servers[-1].url, key=KEY)
    return replace(found, **other)


async def test_given_addresses_become_targets(servers: list[Server]) -> None:
    """Each address is a target of its name with the common key; a second old service is optional."""
    old, again, new = (server.url for server in servers)
    found = external(External(old, new, again, KEY), PROFILE)
    assert found.again is not None
    assert [t.name for t in (found.old, found.again, *found.news)] == ["old", "old-again", "new"]
    assert external(External(old, new, key=KEY), PROFILE).again is None
    stored = request("POST", "/parcels", {"locker": "a", "grams": 1})
    assert (await found.news[0].send(stored)).status == 200
    assert [len(server.lockers.parcels) for server in servers] == [0, 0, 1]


@pytest.mark.parametrize("same", ["new", "again", "both"])
def test_one_address_for_two_targets_is_refused(servers: list[Server], same: str) -> None:
    """A service that is compared with itself would always be parity."""
    old, other, _ = (server.url for server in servers)
    addresses = {
        "new": External(old, f"{old}/", other),
        "again": External(old, other, old),
        "both": External(old, other, other),
    }
    with pytest.raises(WrongTarget, match="the same address"):
        external(addresses[same], PROFILE)


async def test_commands_become_hooks_of_their_side(servers: list[Server], tmp_path: Path) -> None:
    """Both old services have the old side's commands; a side without a command cannot do it."""
    log = tmp_path / "log"
    commands = {
        "old_again": servers[1].url,
        "reset_old": f"echo reset-old >> {log}",
        "restart_old": f"echo restart-old >> {log}",
        "reset_new": f"echo reset-new >> {log}",
    }
    found = external(given(servers, **commands), PROFILE)
    assert found.again is not None
    for target in (found.old, found.again, *found.news):
        await target.reset()
    await found.old.change("restart")
    assert log.read_text().split() == ["reset-old", "reset-old", "reset-new", "restart-old"]
    assert (found.can_reset, found.cannot >= {"restart"}) == (True, True)
    assert not found.news[0].can("restart")
    alone = external_old(given(servers, **commands))
    assert (alone.name, alone.can("reset"), alone.can("restart")) == ("old", True, True)


async def test_a_failing_command_names_its_option(servers: list[Server]) -> None:
    """The message has the option under which the command was given."""
    found = external(given(servers, reset_new="echo no database >&2; exit 3"), PROFILE)
    with pytest.raises(TargetMisbehaved, match=r"--reset-new .* ended with 3: no database"):
        await found.news[0].reset()


async def test_right_targets_are_yielded(servers: list[Server]) -> None:
    """Services that answer as announced make a testbed."""
    async with opened(PROFILE, given(servers, old_again=servers[1].url), ()) as found:
        assert (found.old.name, len(found.news)) == ("old", 1)


async def test_all_wrong_targets_are_named_at_once(servers: list[Server]) -> None:
    """The message has each faulty target with its option, so that one run shows all faults."""
    nothing = f"http://127.0.0.1:{free_ports(1)[0]}"
    wrong = replace(given(servers, key="not-the-key"), new=nothing)
    with pytest.raises(WrongTarget) as caught:
        async with opened(PROFILE, wrong, ()):
            pytest.fail("a wrong testbed was used")
    assert "--old (old): it refuses the key" in str(caught.value)
    assert "--new (new): " in str(caught.value)
    assert "cannot be reached" in str(caught.value)


async def test_the_old_side_must_be_the_old_service(servers: list[Server]) -> None:
    """A service without the old one's marks is refused, although it lives and takes the key."""
    other = replace(PROFILE, marks=(replace(PROFILE.marks[0], status=410),))
    with pytest.raises(WrongTarget, match=r"--old does not behave as the first locker service"):
        async with opened(other, given(servers), ()):
            pytest.fail("a wrong testbed was used")


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"other"), (410, b'{"error":"no parcel none"}')]
)
async def test_a_mark_is_a_status_and_a_body(
    servers: list[Server], status: int, body: bytes
) -> None:
    """Both must be as marked; a mark without a status holds for any."""
    target = servers[0].target("old")
    (mark,) = PROFILE.marks
    with pytest.raises(WrongTarget, match="no parcel none"):
        await preflight.check_old(
            target, replace(PROFILE, marks=(replace(mark, status=status, body=body),))
        )
    await preflight.check_old(target, replace(PROFILE, marks=(replace(mark, status=None),)))
    await preflight.check_old(target, PROFILE)


async def test_a_service_is_well_by_the_profiles_liveness(servers: list[Server]) -> None:
    """The value at the key must be the announced one, in an object; the message shows the answer."""
    target = servers[0].target("new")
    await preflight.check(target, PROFILE)
    for changed in ({"value": "down"}, {"key": "other"}):
        liveness = replace(PROFILE.liveness, **changed)
        with pytest.raises(WrongTarget, match=r'answers GET /up with 200 \{"state": ?"up"\}'):
            await preflight.check(target, replace(PROFILE, liveness=liveness))


async def test_managed_services_are_started_checked_and_stopped() -> None:
    """Without addresses the profile starts one new service for each variant, and ends all of them."""
    async with opened(PROFILE, None, ("memory", "memory")) as found:
        assert len(found.news) == 2
        assert (await found.news[1].send(Request("GET", "/up", ()))).status == 200
    with pytest.raises(TargetUnreachable):
        await found.old.send(Request("GET", "/up", ()))


async def test_a_profile_without_services_needs_addresses() -> None:
    """The message names the options to pass."""
    with pytest.raises(BrokenInput, match="pass --old and --new"):
        async with opened(replace(PROFILE, services=None), None, ()):
            pytest.fail("there is no testbed")
