"""What must not be read by others: which values are secret, how they are stored, and how texts are shown.

Storage, logs, settings and commands all use the one definition in `names`.
"""
