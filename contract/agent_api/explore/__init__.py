"""Looks for sequences of requests after which the services part, by a reference model."""
