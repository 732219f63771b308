"""End-to-end tests: real calls through real rooms, one file per story."""
