"""Who calls: participants, what is kept of them, how they are erased."""
