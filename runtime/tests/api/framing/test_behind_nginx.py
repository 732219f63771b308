"""Every case of the corpus through nginx, which shares its connections to the API among clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .corpus import Case, corpus
from .nginx import reverse_proxy
from .raw_client import HEALTH, RawClient
from .served import Served, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The server of all cases, with the port of the proxy in front of it."""
    async with serving() as direct:
        with reverse_proxy(direct.port, tmp_path_factory.mktemp("nginx")) as port:
            yield Served(port, direct.notes)


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.name)
async def test_a_request_is_answered_rightly(case: Case, proxied: Served) -> None:
    """Through a proxy, a request has the right answer, and the next client has its own."""
    proxied.notes.done.clear()
    client, next_client = await RawClient.connect(proxied.port), None
    try:
        await client.send([case.send])
        to_head = case.send.startswith(b"HEAD")
        expected = case.behind_nginx
        answers = [await client.answer(to_head=to_head) for _ in expected.answers]
        assert answers == expected.answers
        next_client = await RawClient.connect(proxied.port)
        await next_client.send([HEALTH])
        assert await next_client.answer() == 200
        assert proxied.notes.done == expected.done
    finally:
        await client.close()
        if next_client is not None:
            await next_client.close()
