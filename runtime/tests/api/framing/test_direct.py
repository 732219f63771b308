"""Every case of the corpus on a connection of its own: whole, byte by byte, and split in two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from .corpus import Case, corpus
from .raw_client import HEALTH, RawClient
from .served import Served, serving

CASES = corpus()

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    """The server of all cases."""
    async with serving() as running:
        yield running


async def check(case: Case, pieces: Sequence[bytes], served: Served) -> None:
    """Send the pieces; answers, operations and the fate of the connection are those of the case."""
    served.notes.done.clear()
    client = await RawClient.connect(served.port)
    try:
        await client.send(pieces)
        to_head = case.send.startswith(b"HEAD")
        answers = [await client.answer(to_head=to_head) for _ in case.outcome.answers]
        assert answers == case.outcome.answers
        if case.closed:
            assert await client.end() == b"", "one answer a request"
        else:
            await client.send([HEALTH])
            assert await client.answer() == 200, "the next request begins where it should"
        assert served.notes.done == case.outcome.done
    finally:
        await client.close()


async def test_the_corpus_is_large_enough() -> None:
    """The corpus has at least 120 cases, of which at least ten are tried with every split."""
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(case.split for case in CASES) >= 10


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_request_is_answered_rightly(case: Case, served: Served) -> None:
    """A request has the same right answer whether it arrives whole or byte by byte."""
    await check(case, [case.send], served)
    await check(case, [case.send[i : i + 1] for i in range(len(case.send))], served)


@pytest.mark.parametrize("case", [one for one in CASES if one.split], ids=lambda case: case.name)
async def test_no_split_changes_the_answer(case: Case, served: Served) -> None:
    """A request in two segments has the same answer, wherever the first one ends."""
    for i in range(1, len(case.send)):
        await check(case, [case.send[:i], case.send[i:]], served)
