"""A stand-in of the LiveKit server's API that records dispatches and launches no job."""
