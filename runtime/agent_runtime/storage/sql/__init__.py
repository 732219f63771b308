"""Statements compiled once, and the port that runs them."""
