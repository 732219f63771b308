"""Makes the results of a run from its journal: summaries, thresholds, an HTML page, comparisons."""
