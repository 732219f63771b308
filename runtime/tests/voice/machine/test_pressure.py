"""Readings of this machine's CPU pressure and memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_runtime.voice.machine.pressure import PressureGauge, recent_pressure


def test_this_machine_has_readings_within_their_ranges() -> None:
    """CPU pressure is from 0 to 100 percent and memory a share, or None where the kernel reports none."""
    gauge = PressureGauge()
    for _ in range(2):
        found = gauge.read(0.0)
        assert found.cpu is None or 0 <= found.cpu <= 100
        assert found.memory is None or 0 < found.memory <= 1


def test_the_pressure_is_that_of_the_last_three_seconds(tmp_path: Path) -> None:
    """CPU pressure is the higher one of machine and container, over the last three seconds."""
    machine, container = tmp_path / "machine", tmp_path / "container"
    now = 100.0
    gauge = PressureGauge([machine, container], clock=lambda: now)

    def after(seconds: float, stalled: float, throttled: float) -> float | None:
        nonlocal now
        now += seconds
        for file, total in ((machine, stalled), (container, throttled)):
            file.write_text(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={int(total * 1e6)}\n")
        return gauge.read(0.0).cpu

    assert after(0, 7.0, 1.0) is None
    assert after(1, 7.5, 1.1) == pytest.approx(50)
    assert after(1, 7.5, 1.9) == pytest.approx(45)
    assert after(3, 7.5, 2.2) == pytest.approx(10)


def test_recent_pressure_is_the_kernel_s_average_of_ten_seconds(tmp_path: Path) -> None:
    """`recent_pressure` returns the higher average of machine and container, or None without either."""
    machine, container = tmp_path / "machine", tmp_path / "container"
    machine.write_text("some avg10=12.50 avg60=9.00 avg300=0.00 total=1\n")
    assert recent_pressure([machine, container]) == 12.5
    container.write_text("some avg10=33.30 avg60=1.00 avg300=0.00 total=1\n")
    assert recent_pressure([machine, container]) == 33.3
    assert recent_pressure([tmp_path / "none"]) is None


def test_a_kernel_without_psi_has_no_pressure(tmp_path: Path) -> None:
    """A gauge without any PSI file reads None, which refuses no call."""
    gauge = PressureGauge([tmp_path / "none"])
    assert [gauge.read(0.0).cpu for _ in range(2)] == [None, None]
