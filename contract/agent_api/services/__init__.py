"""The services of the agent API that the gate starts itself, with their databases and LiveKit."""
