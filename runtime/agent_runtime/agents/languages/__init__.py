"""Languages of an agent: one spelling for each, whatever standard or name it was written in."""
