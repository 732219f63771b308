"""Measurements: what a caller hears under load, and what the API takes."""
