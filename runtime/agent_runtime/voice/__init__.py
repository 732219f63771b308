"""The worker: takes LiveKit's jobs and holds the calls."""
