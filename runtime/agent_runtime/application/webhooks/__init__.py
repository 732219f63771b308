"""Webhooks: what their bodies say, and their delivery."""
