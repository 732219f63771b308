"""Writes results, into a temporary folder or to standard error if their folder is not writable."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from load.report.page.page import page
from load.report.results import RESULTS, Results

PAGE = "index.html"


def write(folder: Path, results: Results) -> bool:
    """Write results and page into `folder`. Returns False when they had to be written elsewhere."""
    try:
        _write_files(folder, results)
    except OSError as error:
        why = f"the report cannot be written into {folder}: {error.strerror}"
    else:
        return True
    results["partial"] = True
    results["partial_because"].append(why)
    print(f"load: {why}", file=sys.stderr)
    # The results are only in memory now: try a temporary folder, then the terminal.
    try:
        other = Path(tempfile.mkdtemp(prefix="load-report-"))
        _write_files(other, results)
    except OSError as error:
        print(
            f"load: writing into a temporary folder failed too: {error.strerror}. Results:",
            file=sys.stderr,
        )
        short = {
            k: v for k, v in results.items() if k not in ("samples", "turns", "machine_by_second")
        }
        print(json.dumps(short), file=sys.stderr)
    else:
        print(f"load: the report is in {other} instead", file=sys.stderr)
    return False


def _write_files(folder: Path, results: Results) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((RESULTS, json.dumps(results, indent=1) + "\n"), (PAGE, page(results))):
        path = folder / name
        try:
            path.write_text(content)
        except OSError:
            path.unlink(missing_ok=True)  # half a file would look like a whole one
            raise
