"""Compares the answers of two services: expectation, differences, noise, clusters."""
