"""The agent server: which jobs it takes, and what it reports."""
