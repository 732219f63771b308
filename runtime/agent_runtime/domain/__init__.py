"""The domain: agents, sessions, leases, workers. Imports the standard library only."""
