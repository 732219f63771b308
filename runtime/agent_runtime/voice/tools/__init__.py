"""The tools of a call: what the model may call, and what happens then. Imported by calls that have tools.

`calls.py` makes LiveKit's function tools; `http.py` and `builtin.py` answer them; `results.py` is what the
model reads.
"""
