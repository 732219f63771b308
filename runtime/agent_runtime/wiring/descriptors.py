"""File descriptors, of which each connection takes one: how many this process may have (getrlimit(2))."""

from __future__ import annotations

import resource
from typing import Final

# More than any process of ours needs; some systems set the hard limit to a billion, for which tables are
# allocated when it is taken.
ENOUGH: Final = 65_536


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one, at most to `ENOUGH`; returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return ENOUGH if soft == resource.RLIM_INFINITY else soft
