"""Runs Locust as a process, starts local services, and alternates between several targets."""
