"""Makes the corpus: generated, directed and mutated requests, recorded against the old service."""
