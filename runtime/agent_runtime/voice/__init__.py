"""The worker: accepts LiveKit's jobs and runs the calls."""
