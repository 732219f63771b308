"""`python -m load.report FOLDER < journal`: make results and page; the last step of every run.

Standard output carries, as JSON lines, the samples that were not taken during the run. Exit codes: 0; 1 a
threshold was missed; 2 results are partial, or could not be made or written where they belong.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from load import messages
from load.exit_codes import MISSED, UNUSABLE
from load.messages import decode, encode, of_kind
from load.report.results import results_of
from load.report.sources.enrich import enriched
from load.report.text import text
from load.report.thresholds import missed, read_thresholds
from load.report.write import PAGE, write
from load.yaml_file import FileError


def main() -> int:
    """Read, add, judge, write; returns the exit code."""
    folder = Path(sys.argv[1])
    said = list(decode(sys.stdin))
    plans = of_kind(said, messages.PLAN)
    if not plans:
        print("load: this is not the journal of a load run: it has no plan", file=sys.stderr)
        return UNUSABLE
    more = asyncio.run(enriched(said))
    results = results_of([*said, *more])
    code = 0
    if path := plans[0]["thresholds"]:
        try:
            results["missed"] = missed(read_thresholds(Path(path)), results["stages"])
        except FileError as error:
            print(f"load: {error}", file=sys.stderr)
            code = UNUSABLE
    written = write(folder, results)
    print(text(results), file=sys.stderr)
    if written:
        print(f"report: {folder / PAGE}", file=sys.stderr)
    sys.stdout.writelines(map(encode, more))
    if not written or results["partial"]:
        return UNUSABLE
    return code or (MISSED if results["missed"] else 0)


if __name__ == "__main__":
    sys.exit(main())
