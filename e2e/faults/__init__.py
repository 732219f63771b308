"""Tests of faults, one file per fault: what the caller hears, and what the rows contain afterwards."""
