"""Sources of samples that are read after a run: the runtime's own metrics, the stand-ins' recordings."""
