"""File modes: only the user of the runtime reads and writes its database, whatever the umask."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
_OTHERS: Final = 0o077
# What SQLite makes beside its file, with the mode that the file has (its documentation, "Temporary Files").
_COMPANIONS: Final = ("", "-wal", "-shm", "-journal")


def make_private(path: Path) -> None:
    """Make the file, and each folder that it lacks, for this user alone; close them when they are open.

    Raises OSError when the file cannot be made. A mode that cannot be changed is logged.
    """
    _make_folders(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    except FileExistsError:
        for suffix in _COMPANIONS:
            _tighten(path.with_name(path.name + suffix), PRIVATE_FILE)
        return
    os.fchmod(descriptor, PRIVATE_FILE)  # an umask may have taken our own rights
    os.close(descriptor)


def make_private_folder(path: Path) -> None:
    """Make the folder for this user alone, or close it when it is open to others. Raises OSError."""
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError:
        _tighten(path, PRIVATE_FOLDER)
    else:
        path.chmod(PRIVATE_FOLDER)


def _make_folders(folder: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        try:
            one.mkdir(mode=PRIVATE_FOLDER)
        except FileExistsError:
            continue  # another process made it just now, in the same way
        one.chmod(PRIVATE_FOLDER)


def _tighten(path: Path, mode: int) -> None:
    """Take the rights of group and others; a file that is gone meanwhile needs nothing."""
    try:
        present = path.stat().st_mode & 0o777
        if not present & _OTHERS:
            return
        path.chmod(mode)
    except FileNotFoundError:
        return
    except OSError as error:
        logger.warning(
            "%s is open to other users (mode %o) and cannot be closed: %s; run chmod %o as its owner",
            path,
            present,
            error.strerror,
            mode,
        )
    else:
        logger.warning("%s was open to other users (mode %o); it has %o now", path, present, mode)
