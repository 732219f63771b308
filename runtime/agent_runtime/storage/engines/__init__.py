"""Opens the database of a URL, with its notifications and its leader lock."""
