"""The agent API with the recorded requests of another folder, for runs of the command line."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from contract.agent_api import profile

VARIABLE: Final = (
    "CORPUS_OF_THE_TEST"  # names the folder; without it the corpus is the committed one
)

_FILES: Final = profile.PROFILE.files
PROFILE: Final = replace(
    profile.PROFILE,
    files=replace(_FILES, corpus=Path(os.environ.get(VARIABLE, str(_FILES.corpus)))),
)
