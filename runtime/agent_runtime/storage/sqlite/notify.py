"""Dispatch notifications on the one machine that uses an SQLite database.

Each worker listens on a datagram socket (unix(7)) in a folder beside the database, which only the user
that created it may enter. No session depends on them: LiveKit offers the job to a worker as well.
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

from agent_runtime.storage.sql.dispatch_notice import decode_notice
from agent_runtime.storage.sqlite.modes import PRIVATE_FILE, make_private_folder

logger = logging.getLogger(__name__)

LONGEST: Final = 107  # bytes of a socket's path: sun_path in unix(7), without its end

# Appended to the database's file name. Earlier versions use the same folder: with another name, an API and
# a worker of two versions would not reach each other during an update.
SUFFIX: Final = "-bell"


def socket_folder(database: Path) -> Path:
    """The folder of the sockets on which the workers of that database listen."""
    return database.absolute().with_name(database.name + SUFFIX)


class SqliteNotifier:
    """Implements the port DispatchNotifier for all listeners in `folder`."""

    def __init__(self, folder: Path, channel: str) -> None:
        self._folder = folder
        self._listeners = f"{_prefix(channel)}-*"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def notify(self, session_id: str) -> None:
        """Send the notice to every listener without waiting; a failure is logged."""
        payload = session_id.encode()
        for listener in self._folder.glob(self._listeners):
            try:
                with _address(listener) as address:
                    self._socket.sendto(payload, address)
            except (ConnectionRefusedError, FileNotFoundError):
                listener.unlink(missing_ok=True)  # its worker was killed
            except OSError as error:
                logger.info("a worker was not notified of a session: %s: %s", listener, error)


class SqliteListener:
    """Implements the port DispatchListener by a socket in `folder`."""

    def __init__(self, folder: Path, channel: str) -> None:
        self._folder = folder
        self._prefix = _prefix(channel)

    async def notices(self) -> AsyncIterator[str]:
        """The session's id of each notice from now on; none when the socket cannot be created."""
        received: asyncio.Queue[bytes] = asyncio.Queue()
        path = self._folder / f"{self._prefix}-{os.getpid()}-{secrets.token_hex(2)}"
        try:
            make_private_folder(self._folder)
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Receiver(received), sock=_private_socket(path)
            )
        except OSError as error:
            logger.info("not listening for sessions: %s: %s", path, error)
            await asyncio.Event().wait()  # the port never ends; LiveKit's offers still arrive
            return
        try:
            while True:
                if notice := decode_notice(await received.get()):
                    yield notice
        finally:
            transport.close()
            path.unlink(missing_ok=True)


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, received: asyncio.Queue[bytes]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._received.put_nowait(data)


def _prefix(channel: str) -> str:
    return channel[-6:]  # the whole name would make the path too long


def _private_socket(path: Path) -> socket.socket:
    """A socket at `path` for this user alone. Raises OSError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        with _address(path) as address:
            made.bind(address)
        path.chmod(PRIVATE_FILE)
    except OSError:
        made.close()
        raise
    return made


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The socket's address: unix(7) allows 107 bytes, and the path may be longer.

    A descriptor of its folder shortens it (/proc/self/fd in proc(5), so on Linux only).
    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
