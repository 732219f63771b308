"""Sends the corpus to targets and translates the ids that each makes up."""
