"""Runs: Locust as a process, on local services, and several targets in turn."""
