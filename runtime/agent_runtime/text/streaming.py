"""The pieces in which text goes to speech synthesis."""

from __future__ import annotations

from enum import StrEnum


class TextStreaming(StrEnum):
    """The pieces in which text goes to speech synthesis: smaller is sooner, larger sounds better."""

    WORDS = "words"
    CLAUSES = "clauses"
    SENTENCES = "sentences"
