"""Exit codes of the load harness; 0 is success."""

from __future__ import annotations

from typing import Final

MISSED: Final = 1
"""Exit code of a run that missed a threshold."""

UNUSABLE: Final = 2
"""Exit code when a service or a file is missing or unusable, or the results are partial."""
