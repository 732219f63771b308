"""Gladia."""
