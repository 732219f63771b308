"""A process that runs several callers on one event loop, so that Locust's gevent and WebRTC never meet.

Orders come in on standard input as JSON lines, reports (`load.messages`) go out on standard output.
"""
