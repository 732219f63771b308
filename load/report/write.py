"""Writes results; where the disk is full they go elsewhere rather than nowhere."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from load.report.page.page import page
from load.report.results import RESULTS, Results

PAGE = "index.html"


def write(folder: Path, results: Results) -> bool:
    """Results and page into `folder`; False when that was not possible and they lie elsewhere."""
    try:
        _into(folder, results)
    except OSError as error:
        why = f"the report cannot be written into {folder}: {error.strerror}"
    else:
        return True
    results["partial"] = True
    results["partial_because"].append(why)
    print(f"load: {why}", file=sys.stderr)
    # The messages so far are in memory only: a second place, then the terminal.
    try:
        other = Path(tempfile.mkdtemp(prefix="load-report-"))
        _into(other, results)
    except OSError as error:
        print(f"load: nor into a temporary folder: {error.strerror}. Results:", file=sys.stderr)
        short = {
            k: v for k, v in results.items() if k not in ("samples", "turns", "machine_by_second")
        }
        print(json.dumps(short), file=sys.stderr)
    else:
        print(f"load: the report is in {other} instead", file=sys.stderr)
    return False


def _into(folder: Path, results: Results) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((RESULTS, json.dumps(results, indent=1) + "\n"), (PAGE, page(results))):
        path = folder / name
        try:
            path.write_text(content)
        except OSError:
            path.unlink(missing_ok=True)  # half a file would be read as a whole one
            raise
