"""Tuning of LiveKit that its packages have no settings for, and the table of their private names in use."""
