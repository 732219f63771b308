"""One fault, one file, one test: what a caller hears of it, and what the rows say afterwards."""
