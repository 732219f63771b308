"""Load: what callers hear while many of them talk (`python -m load`); the HTTP benchmark (`load.http`)."""
