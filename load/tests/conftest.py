"""Hooks for all tests of the load harness."""

from fixtures.pytest_hooks.alone import pytest_runtest_protocol  # noqa: F401 - a hook
from fixtures.pytest_hooks.sigterm import pytest_sessionstart  # noqa: F401 - a hook
