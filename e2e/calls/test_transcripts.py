"""What a page that shows transcripts receives, from LiveKit's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from livekit import rtc

from e2e.testbed.testbed import Testbed
from fixtures.caller import room_token
from fixtures.speech import ANSWERS, SENTENCES, clip

FINAL = "lk.transcription_final"
SEGMENT = "lk.segment_id"


@dataclass
class Shown:
    """One text stream as the page has read it so far."""

    sender: str
    segment: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    error: BaseException | None = None


class Page:
    """Reads every text stream of a room, and notes each packet of the older kind."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.shown: list[Shown] = []
        self.packets: list[object] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self.room.on("transcription_received", lambda *packet: self.packets.append(packet))
        self.room.register_text_stream_handler("lk.transcription", self._on_stream)

    def _on_stream(self, reader: rtc.TextStreamReader, sender: str) -> None:
        task = asyncio.create_task(self._read(reader, sender))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: rtc.TextStreamReader, sender: str) -> None:
        shown = Shown(sender, (reader.info.attributes or {}).get(SEGMENT, ""))
        self.shown.append(shown)
        try:
            async for text in reader:
                shown.text += text
                self._changed.set()
        except Exception as error:
            shown.error = error
        shown.attributes = dict(reader.info.attributes or {})
        shown.closed = True
        self._changed.set()

    async def sees(self, what: str, *, closed: bool) -> Shown:
        """The stream whose text holds `what`, once it is there, and closed if that is wanted."""
        async with asyncio.timeout(15):
            while True:
                for shown in self.shown:
                    if what in shown.text and (shown.closed or not closed):
                        return shown
                self._changed.clear()
                await self._changed.wait()

    async def all_closed(self) -> None:
        """Return when every stream has ended."""
        async with asyncio.timeout(15):
            while self._tasks:
                await asyncio.wait(set(self._tasks))

    @property
    def segments(self) -> dict[str, str]:
        """The text of each segment, the latest that was sent."""
        return {one.segment: one.text for one in self.shown}


@asynccontextmanager
async def page_in(testbed: Testbed, room_name: str) -> AsyncIterator[Page]:
    """A page that listens in the room, and may not speak there."""
    server, page = testbed.livekit, Page()
    token = room_token(
        server.api_key, server.api_secret, room_name, "page", can_publish=False, can_subscribe=True
    )
    await page.room.connect(server.url, token)
    try:
        yield page
    finally:
        await page.room.disconnect()


async def test_each_text_is_sent_once(testbed: Testbed) -> None:
    """Every text of either side has one segment, which ends as final, and no packet beside it."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with page_in(testbed, room) as page, testbed.person_in(room) as person:
        await person.hears_greeting()
        await person.is_answered("weather")
        answer = await page.sees(ANSWERS["weather"], closed=True)
        assert answer.attributes[FINAL] == "true"
        await testbed.api.end(session_id)
        await person.caller.agent_left()
        await page.all_closed()
    texts = sorted(page.segments.values())
    assert texts == sorted([ANSWERS["greeting"], ANSWERS["weather"], texts[-1]]) or len(texts) == 3
    assert texts.count(ANSWERS["weather"]) == 1
    assert texts.count(ANSWERS["greeting"]) == 1
    assert len(texts) == 3
    assert SENTENCES["weather"].split()[-1].strip("?") in "".join(texts)
    assert page.packets == []


@pytest.mark.parametrize("ends", ["caller", "http"])
async def test_an_end_in_mid_sentence_closes_the_stream(testbed: Testbed, ends: str) -> None:
    """A call that ends while the agent speaks closes its text, and the page's reader does not throw."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with page_in(testbed, room) as page:
        async with testbed.person_in(room) as person:
            await person.hears_greeting()
            await person.caller.say(clip("story"))
            story = await page.sees(ANSWERS["story"].split()[0], closed=False)
            assert not story.closed
            if ends == "http":
                await testbed.api.end(session_id)
                await person.caller.agent_left()
        await page.all_closed()
    assert story.error is None
    assert story.closed
    assert ANSWERS["story"].startswith(story.text.strip())
