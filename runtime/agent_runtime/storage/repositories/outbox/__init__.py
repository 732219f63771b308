"""Webhooks that are owed, and their deliveries."""
