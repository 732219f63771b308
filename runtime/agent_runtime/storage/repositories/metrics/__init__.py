"""Metrics of sessions: what the API reads, what the agents of a session write, repairs of old rows."""
