"""Processes stop and start during a call. Each story has its own stack."""

import asyncio
import signal

import psutil

from e2e.testbed.testbed import Testbed


async def test_the_api_restarts_in_the_middle_of_a_call(own_testbed: Testbed) -> None:
    """The call continues without the API; after its restart the API knows session and registration."""
    testbed = own_testbed
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        assert testbed.stack.api is not None
        await asyncio.to_thread(testbed.stack.api.stop)
        await person.is_answered("weather")
        await asyncio.to_thread(testbed.stack.start_api)
        assert (await testbed.api.session(session_id))["status"] == "active"
        assert (await testbed.api.agent(testbed.agent_id))["registered"]
        await testbed.api.end(session_id)
        await person.caller.agent_left()
    await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")


async def test_sigterm_in_the_middle_of_a_call(own_testbed: Testbed) -> None:
    """After SIGTERM the call continues to its end; then the worker exits with 0 and leaves no process."""
    testbed = own_testbed
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    worker = testbed.stack.worker
    assert worker is not None
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        tree = worker.tree()
        worker.send(signal.SIGTERM)
        await asyncio.to_thread(lambda: worker.wait_for("draining worker"))
        await person.is_answered("weather")
        assert worker.returncode is None
    assert await asyncio.to_thread(worker.wait) == 0
    row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["metadata"]["reason"] == "the caller left"
    await asyncio.to_thread(lambda: all_gone(tree))


async def test_a_second_sigterm_ends_at_once(own_testbed: Testbed) -> None:
    """After a second SIGTERM the worker does not wait for the call, and leaves no process."""
    testbed = own_testbed
    await testbed.register()
    room = testbed.new_room()
    await testbed.api.create(testbed.agent_id, room)
    worker = testbed.stack.worker
    assert worker is not None
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        tree = worker.tree()
        worker.send(signal.SIGTERM)
        await asyncio.to_thread(lambda: worker.wait_for("draining worker"))
        worker.send(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 10) != 0
        await person.caller.agent_left(40)
    await asyncio.to_thread(lambda: all_gone(tree))


def all_gone(tree: list[psutil.Process]) -> None:
    """Wait until all processes of the tree have ended. Raises AssertionError."""
    _, alive = psutil.wait_procs(tree, timeout=10)
    assert alive == []
