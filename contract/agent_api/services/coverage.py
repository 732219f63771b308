"""Code coverage of our HTTP layer by the replayed requests, measured with coverage.py."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCE: Final = "agent_runtime.api"


@dataclass(frozen=True, slots=True)
class CoverageMeter:
    """Measures every process that is started with `command()`; its data is in `folder`."""

    folder: Path

    def command(self) -> list[str]:
        """The command line of the service under measurement, without its arguments."""
        return [
            *(sys.executable, "-m", "coverage", "run", "--branch", "--parallel-mode"),
            *(f"--source={SOURCE}", f"--data-file={self.folder / 'data'}", "-m", "agent_runtime"),
        ]

    def percent(self) -> float | None:
        """Covered lines and branches in percent; None when nothing was measured."""
        if not list(self.folder.glob("data.*")):
            return None
        self._coverage("combine", "-q", f"--data-file={self.folder / 'data'}")
        report = self.folder / "report.json"
        self._coverage("json", "-q", f"--data-file={self.folder / 'data'}", "-o", str(report))
        totals = json.loads(report.read_text("utf-8"))["totals"]
        return float(totals["percent_covered"])

    def _coverage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "coverage", *arguments], check=True, capture_output=True
        )
