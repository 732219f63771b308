"""What holds for every unit test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from fixtures.pytest_hooks.alone import pytest_runtest_protocol  # noqa: F401 - a hook
from fixtures.pytest_hooks.sigterm import pytest_sessionstart  # noqa: F401 - a hook

# A busy machine is no fault of the code under test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
