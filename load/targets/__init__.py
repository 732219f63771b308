"""Other workers to compare with our runtime, behind the same HTTP paths for callers."""
