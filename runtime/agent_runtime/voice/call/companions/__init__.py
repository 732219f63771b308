"""What accompanies a call: a module for each companion. `call/companion.py` has their protocol and list."""
