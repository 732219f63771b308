"""Tells the workers of sessions as they are asked for, on the one machine that an SQLite database is on.

Each worker listens on a datagram socket (unix(7)) in a folder beside the database, which only the user that
made it may enter. Nothing depends on it: what nobody hears is made good by LiveKit's own offer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent_runtime.storage.sql.dispatch_notice import channel_of, payload_of, ring_of

logger = logging.getLogger(__name__)

LONGEST: Final = 107  # bytes of a socket's path (sun_path in unix(7), without the end)


def bell_folder(database: Path) -> Path:
    """Where the ears of that database are."""
    return database.absolute().with_name(database.name + "-bell")


class SqliteNotifier:
    """Rings for all that listen in `folder`."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._ears = f"{_name_of(key)}-*"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def notify(self, room_name: str, metadata: str) -> None:
        """Tell, without waiting for anybody; a failure is logged."""
        payload = payload_of(room_name, metadata).encode()
        for ear in self._folder.glob(self._ears):
            try:
                with _address(ear) as address:
                    self._socket.sendto(payload, address)
            except (ConnectionRefusedError, FileNotFoundError):
                ear.unlink(missing_ok=True)  # its worker was killed
            except OSError as error:
                logger.info("a worker was not told of a session: %s: %s", ear, error)


class SqliteListener:
    """Hears what is rung in `folder`. Implements the port Ear."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._name = _name_of(key)

    async def notices(self) -> AsyncIterator[tuple[str, str]]:
        """Room and metadata of each, from now on; silence where there can be no such socket."""
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        ear = self._folder / f"{self._name}-{os.getpid()}-{secrets.token_hex(2)}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with _address(ear) as address:
                transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Listener(heard), local_addr=address, family=socket.AF_UNIX
                )
        except OSError as error:
            logger.info("not listening for sessions: %s: %s", ear, error)
            await asyncio.Event().wait()  # an ear does not end; LiveKit's offers come all the same
            return
        try:
            while True:
                if notify := ring_of(await heard.get()):
                    yield notify
        finally:
            transport.close()
            ear.unlink(missing_ok=True)


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, heard: asyncio.Queue[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._heard.put_nowait(data)


def _name_of(key: str) -> str:
    return channel_of(key)[-6:]  # a whole one would not fit


@contextmanager
def _address(ear: Path) -> Iterator[str]:
    """How a socket is called: unix(7) gives 107 bytes, and a database's path may have more.

    A descriptor of its folder shortens the way (/proc/self/fd in proc(5), so on Linux only).
    """
    if len(os.fsencode(ear)) <= LONGEST:
        yield str(ear)
        return
    folder = os.open(ear.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{ear.name}"
    finally:
        os.close(folder)
