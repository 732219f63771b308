"""Load tests: many callers talk to agents (`python -m load`); the HTTP benchmark is `load.http`."""
