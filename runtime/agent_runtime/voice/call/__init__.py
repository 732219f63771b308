"""One call, from the job to the final row."""
