"""A stand-in for the LiveKit server's API that counts dispatches and launches no jobs."""
