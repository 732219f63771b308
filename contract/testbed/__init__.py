"""Sets up the targets of a run and checks that each is what it was announced as."""
