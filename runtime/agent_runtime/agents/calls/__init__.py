"""A call's limits and manners: their keys, and the words that the agent speaks for them."""
