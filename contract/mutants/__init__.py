"""Mutants, seeded divergences: the gate must notice each of them, or it does not pass."""
