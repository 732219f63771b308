"""The frozen requests: one sequence that is replayed to each target from fresh state."""
