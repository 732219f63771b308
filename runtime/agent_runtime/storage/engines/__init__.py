"""Opens the database that a URL names, with its dispatch notifications and its leader lock."""
