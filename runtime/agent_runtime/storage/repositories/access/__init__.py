"""The repositories of API keys and of the audit."""
