"""Seeded divergences: the gate must catch every one of them, or it does not pass."""
