"""Who sends a request, what its key allows, and the record of what it changed."""
