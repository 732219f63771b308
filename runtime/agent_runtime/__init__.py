"""Voice-agent runtime for LiveKit: the HTTP API, the store and the worker."""

__version__ = "0.1.0"
