"""How finely text is cut on its way to speech synthesis."""

from __future__ import annotations

from enum import StrEnum


class TextStreaming(StrEnum):
    """The unit in which text goes to speech synthesis: smaller starts sooner, larger sounds better."""

    WORDS = "words"
    CLAUSES = "clauses"
    SENTENCES = "sentences"
