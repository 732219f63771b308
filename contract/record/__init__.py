"""Makes the corpus: generated, directed and mutated requests, recorded with the old service."""
