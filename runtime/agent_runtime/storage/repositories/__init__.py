"""One module a kind of data; each statement stands beside the method that runs it."""
