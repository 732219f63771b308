"""One module for each kind of data; each statement stands above the method that runs it."""
