"""The commands for API keys and for the audit."""
