"""Keys in memory: how often the database is asked, and for how long an answer serves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from agent_runtime.application.key_ring import FAILED, PAUSE, VALID, KeyRing
from agent_runtime.domain.access.keys import ApiKey, new_key
from agent_runtime.domain.clock import Clock
from agent_runtime.domain.errors import StoreUnavailable

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Keys:
    """The port KeyStore over a list; counts its reads."""

    def __init__(self) -> None:
        self.keys: list[ApiKey] = []
        self.reads = 0
        self.away = False
        self.used: list[tuple[str, date]] = []

    def make(self, name: str = "builder", **facts: object) -> str:
        """Store a key; returns its text."""
        text, key = new_key(name, now=START, **facts)  # type: ignore[arg-type]
        self.keys.append(key)
        return text

    async def valid(self, now: datetime) -> Sequence[ApiKey]:
        """The valid keys."""
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("away")
        return [key for key in self.keys if key.is_valid(now)]

    async def exist(self) -> bool:
        """Whether there is any."""
        return bool(self.keys)

    async def mark_used(self, key_id: str, day: date) -> None:
        """Note a use."""
        self.used.append((key_id, day))

    async def create(self, key: ApiKey) -> None:
        """Not used here."""
        raise NotImplementedError

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Forget the key."""
        raise NotImplementedError

    async def all(self) -> Sequence[ApiKey]:
        """Not used here."""
        raise NotImplementedError


class Scene:
    """A ring over such keys, and its clock."""

    def __init__(self) -> None:
        self.store = Keys()
        self.seconds = 1000.0
        self.ring = KeyRing(
            self.store,
            Clock(lambda: START + timedelta(seconds=self.seconds - 1000), lambda: self.seconds),
        )


@pytest.fixture
def scene() -> Scene:
    """A ring without keys."""
    return Scene()


async def test_a_valid_key_is_read_once_in_its_time(scene: Scene) -> None:
    """A thousand requests with a key are one read; after `VALID` seconds it is read again."""
    text = scene.store.make()
    for _ in range(1000):
        assert await scene.ring.find(text)
    assert scene.store.reads == 1
    scene.seconds += VALID + 0.01
    assert await scene.ring.find(text)
    assert scene.store.reads == 2


async def test_texts_that_are_no_keys_ask_nobody(scene: Scene) -> None:
    """The platform's key, no key and any other text cost no read."""
    for text in ("", "the-key", "Basic x", "vark_x"):
        assert await scene.ring.find(text) is None
    assert scene.store.reads == 0


async def test_a_revocation_takes_effect_within_the_promised_time(scene: Scene) -> None:
    """A revoked key is refused `VALID` seconds after the last read began, at the latest."""
    text = scene.store.make()
    assert await scene.ring.find(text)
    scene.store.keys.clear()
    scene.seconds += VALID
    assert await scene.ring.find(text)  # still within its time
    scene.seconds += 0.01
    assert await scene.ring.find(text) is None


async def test_an_expiry_takes_effect_at_once(scene: Scene) -> None:
    """A key in memory is refused from the moment of its expiry."""
    text = scene.store.make(expires_at=START + timedelta(seconds=2))
    assert await scene.ring.find(text)
    scene.seconds += 2
    assert await scene.ring.find(text) is None


async def test_guesses_share_reads(scene: Scene) -> None:
    """Five hundred well-formed keys that do not exist are two reads, not five hundred."""
    guesses = [new_key("guess", now=START)[0] for _ in range(500)]
    scene.store.make()
    assert not any(await asyncio.gather(*(scene.ring.find(guess) for guess in guesses)))
    assert scene.store.reads <= 2


async def test_reads_for_guesses_keep_a_pause() -> None:
    """By the real clock, a stranger who guesses for a second causes a read every `PAUSE` seconds."""
    store = Keys()
    ring = KeyRing(store)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + 5 * PAUSE:
        assert await ring.find(new_key("guess", now=START)[0]) is None
    took = loop.time() - began
    assert store.reads <= 2 + took / PAUSE


async def test_a_key_made_a_moment_ago_is_valid_at_once(scene: Scene) -> None:
    """A key that the last read could not know is looked for once more."""
    assert await scene.ring.find(scene.store.make("one"))
    scene.seconds += 0.01
    text = scene.store.make("two")
    scene.seconds += 0.01
    assert await scene.ring.find(text)


async def test_an_altered_key_is_refused(scene: Scene) -> None:
    """A key with the id of a valid one and another secret is refused."""
    text = scene.store.make()
    other, _ = new_key("other", now=START)
    scene.store.keys.append(
        ApiKey(other.split("_")[1], "theirs", scene.store.keys[0].digest, frozenset(), None, START)
    )
    assert await scene.ring.find(other) is None
    assert await scene.ring.find(text)


async def test_without_the_database_no_key_is_known(scene: Scene) -> None:
    """When the time of the last read is over and the database is away, the ring refuses to answer."""
    text = scene.store.make()
    assert await scene.ring.find(text)
    scene.store.away = True
    scene.seconds += VALID + 0.01
    for _ in range(100):
        with pytest.raises(StoreUnavailable):
            await scene.ring.find(text)
        with pytest.raises(StoreUnavailable):
            await scene.ring.is_empty()
    assert scene.store.reads == 2  # one failure answers all for a second
    scene.store.away = False
    scene.seconds += FAILED + 0.01
    assert await scene.ring.find(text)


async def test_keys_that_are_no_longer_valid_still_mean_that_one_is_required(scene: Scene) -> None:
    """The ring is empty only when no key was ever made."""
    assert await scene.ring.is_empty()
    scene.store.make(expires_at=START + timedelta(seconds=1))
    scene.seconds += VALID + 1
    assert not await scene.ring.is_empty()


async def test_the_day_of_use_is_written_once_a_day(scene: Scene) -> None:
    """A thousand uses of a day are one write, and none on a day that is stored already."""
    text = scene.store.make()
    for _ in range(1000):
        await scene.ring.find(text)
    await scene.ring.close()
    assert scene.store.used == [(scene.store.keys[0].id, START.date())]
    scene.seconds += 86_400
    await scene.ring.find(text)
    await scene.ring.close()
    assert len(scene.store.used) == 2


async def test_a_client_that_leaves_does_not_cancel_the_read_of_others(scene: Scene) -> None:
    """A cancelled request leaves the read to those who wait for it."""
    text = scene.store.make()
    first = asyncio.create_task(scene.ring.find(text))
    second = asyncio.create_task(scene.ring.find(text))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
