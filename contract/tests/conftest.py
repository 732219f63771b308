"""Fixtures for all tests of the parity gate."""

from __future__ import annotations

import pytest

from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from fixtures.pytest_hooks.alone import pytest_runtest_protocol  # noqa: F401 - a hook
from fixtures.pytest_hooks.sigterm import pytest_sessionstart  # noqa: F401 - a hook


@pytest.fixture(scope="session")
def api() -> Api:
    """The agent API of this repository."""
    return Api.load(PROFILE)
