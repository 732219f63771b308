"""Measures how loaded the machine is: CPU pressure, memory, event loop lag."""
