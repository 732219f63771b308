"""Real calls through real rooms: the product from outside, one file a story."""
