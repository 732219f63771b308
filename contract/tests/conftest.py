"""Shared by the tests of the parity gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.api.specification import Specification
from fixtures.pytest_hooks.alone import pytest_runtest_protocol  # noqa: F401 - a hook
from fixtures.pytest_hooks.sigterm import pytest_sessionstart  # noqa: F401 - a hook

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def spec() -> Specification:
    """The contract."""
    return Specification.load(ROOT / "openapi.yaml")
