"""What holds for every test of the load harness."""

from fixtures.alone import pytest_runtest_protocol  # noqa: F401 - a hook
from fixtures.stopped import pytest_sessionstart  # noqa: F401 - a hook
