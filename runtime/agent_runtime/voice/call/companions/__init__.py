"""What accompanies a call: one module for each companion."""
