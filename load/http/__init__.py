"""The HTTP benchmark: compares our API with a FastAPI service that serves the same two endpoints."""
