"""Requests and answers by their exact bytes, and the connection that carries them."""
