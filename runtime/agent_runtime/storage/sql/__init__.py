"""Statements that are compiled once, the two dialects, and the port of the databases that run them."""
