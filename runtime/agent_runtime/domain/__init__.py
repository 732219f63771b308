"""The domain: agents, sessions and their states. Imports the standard library only."""
