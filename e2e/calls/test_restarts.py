"""Processes come and go while somebody talks. Each story has a stack of its own."""

import asyncio
import signal

import psutil

from e2e.testbed.testbed import Place


async def test_the_api_restarts_in_the_middle_of_a_call(own_place: Place) -> None:
    """The call goes on without the API; afterwards the API knows session and registration."""
    place = own_place
    await place.register()
    room = place.new_room()
    session_id = await place.api.create(place.agent_id, room)
    async with place.person_in(room) as person:
        await person.hears_greeting()
        assert place.stack.api is not None
        await asyncio.to_thread(place.stack.api.stop)
        await person.is_answered("weather")
        await asyncio.to_thread(place.stack.start_api)
        assert (await place.api.session(session_id))["status"] == "active"
        assert (await place.api.agent(place.agent_id))["registered"]
        await place.api.end(session_id)
        await person.caller.agent_left()
    await place.rows.session_when(session_id, lambda row: row["status"] == "ended")


async def test_sigterm_in_the_middle_of_a_call(own_place: Place) -> None:
    """SIGTERM lets the call go on to its end; then the worker exits with 0 and leaves no process."""
    place = own_place
    await place.register()
    room = place.new_room()
    session_id = await place.api.create(place.agent_id, room)
    worker = place.stack.worker
    assert worker is not None
    async with place.person_in(room) as person:
        await person.hears_greeting()
        tree = worker.tree()
        worker.send(signal.SIGTERM)
        await asyncio.to_thread(lambda: worker.wait_for("draining worker"))
        await person.is_answered("weather")
        assert worker.returncode is None
    assert await asyncio.to_thread(worker.wait) == 0
    row = await place.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "the caller left"
    await asyncio.to_thread(lambda: all_gone(tree))


async def test_a_second_sigterm_leaves_at_once(own_place: Place) -> None:
    """A second SIGTERM does not wait for the call; no process stays."""
    place = own_place
    await place.register()
    room = place.new_room()
    await place.api.create(place.agent_id, room)
    worker = place.stack.worker
    assert worker is not None
    async with place.person_in(room) as person:
        await person.hears_greeting()
        tree = worker.tree()
        worker.send(signal.SIGTERM)
        await asyncio.to_thread(lambda: worker.wait_for("draining worker"))
        worker.send(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 10) != 0
        await person.caller.agent_left(40)
    await asyncio.to_thread(lambda: all_gone(tree))


def all_gone(tree: list[psutil.Process]) -> None:
    """Wait until no process of the tree is left. Raises AssertionError."""
    _, alive = psutil.wait_procs(tree, timeout=10)
    assert alive == []
