"""From a run's journal to its results: figures, thresholds, a page to look at, comparisons."""
