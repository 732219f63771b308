"""`python -m load.report FOLDER < journal` makes results and page; it is the last step of every run.

It writes the samples that were not taken during the run to standard output, as JSON lines. Exit codes: 0
success; 1 a threshold was missed; 2 the results are partial, or could not be made or written into FOLDER.
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
    """Read the journal, add samples, check thresholds, write; returns the exit code."""
    folder = Path(sys.argv[1])
    journal = list(decode(sys.stdin))
    plans = of_kind(journal, messages.PLAN)
    if not plans:
        print("load: not the journal of a load run: it has no plan", file=sys.stderr)
        return UNUSABLE
    added = asyncio.run(enriched(journal))
    results = results_of([*journal, *added])
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
    sys.stdout.writelines(map(encode, added))
    if not written or results["partial"]:
        return UNUSABLE
    return code or (MISSED if results["missed"] else 0)


if __name__ == "__main__":
    sys.exit(main())
