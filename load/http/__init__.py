"""The HTTP benchmark: our API beside a FastAPI service that serves the same two endpoints."""
