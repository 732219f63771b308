"""A process that runs several callers on one event loop, so that Locust's gevent never meets WebRTC.

It reads commands from standard input as JSON lines and writes reports (`load.messages`) to standard output.
"""
