"""Measures how fast agents join, also after a kill and in many rooms at once, beside a stock worker."""
