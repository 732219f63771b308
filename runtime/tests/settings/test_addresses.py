"""Where the API listens, with and without a key, and how this machine finds it."""

from __future__ import annotations

import socket
import urllib.request
from threading import Thread

import pytest

from agent_runtime.settings import Settings, SettingsError
from agent_runtime.settings.addresses import EVERYWHERE, is_loopback, listening_socket, local_url

KEY = {"AGENT_RUNTIME_API_KEY": "k"}


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "127.0.0.1"),
        (KEY, EVERYWHERE),
        ({"AGENT_RUNTIME_API_KEY": " \n"}, "127.0.0.1"),
        ({"AGENT_RUNTIME_ALLOW_NO_KEY": "true"}, EVERYWHERE),
        ({"HOST": "::1"}, "::1"),
        ({"HOST": "127.8.0.1"}, "127.8.0.1"),
        ({"HOST": "localhost\n"}, "localhost"),
        ({**KEY, "HOST": "127.0.0.1"}, "127.0.0.1"),
        ({"AGENT_RUNTIME_ALLOW_NO_KEY": "true", "HOST": "::"}, "::"),
    ],
)
def test_an_api_without_a_key_listens_on_the_loopback(
    environ: dict[str, str], address: str
) -> None:
    """Without a key only this machine reaches the API, unless a setting allows others by name."""
    assert Settings.load(environ, serves_api=True).api.address == address


@pytest.mark.parametrize(
    "host",
    [EVERYWHERE, "::", "[::]", "10.0.0.1", "0", "::ffff:10.0.0.1", "fe80::1%lo", "example.org"],
)
@pytest.mark.parametrize("key", ["", " "])
def test_an_api_without_a_key_on_another_address_does_not_start(host: str, key: str) -> None:
    """Where other machines reach it, an API without a key does not start; the error has three remedies."""
    environ = {"HOST": host, "AGENT_RUNTIME_API_KEY": key}
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ, serves_api=True)
    (problem,) = caught.value.problems
    assert problem.startswith("HOST: ")
    for remedy in ("AGENT_RUNTIME_API_KEY", "HOST=127.0.0.1", "AGENT_RUNTIME_ALLOW_NO_KEY=true"):
        assert remedy in problem
    Settings.load(environ)  # a worker, or a command of the operator's, is not concerned


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.255.1.2", True),
        ("::1", True),
        ("[::1]", True),
        ("0:0:0:0:0:0:0:1", True),
        ("::ffff:127.0.0.1", True),
        ("LocalHost", True),
        (EVERYWHERE, False),
        ("::", False),
        ("192.168.1.1", False),
        ("localhost.example.org", False),
    ],
)
def test_loopback_addresses_are_known_in_every_form(host: str, *, loopback: bool) -> None:
    """An address of the loopback interface is recognised however it is written."""
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "reached_by"),
    [
        (EVERYWHERE, ["127.0.0.1"]),
        ("::", ["127.0.0.1", "::1"]),
        ("[::]", ["127.0.0.1", "::1"]),
        ("::1", ["::1"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("127.0.0.9", ["127.0.0.9"]),
        ("localhost", ["127.0.0.1"]),
    ],
)
def test_a_listening_socket_is_reached_and_found(host: str, reached_by: list[str]) -> None:
    """`::` takes IPv4 as well as IPv6, and the local URL of every address leads to its service."""
    with listening_socket(host, 0, 5) as listening:
        port = listening.getsockname()[1]
        for address in reached_by:
            socket.create_connection((address, port), 2).close()
            listening.accept()[0].close()

        def answer() -> None:
            client, _ = listening.accept()
            with client:
                client.recv(1000)
                client.sendall(b"HTTP/1.0 200 OK\r\n\r\nhere")

        thread = Thread(target=answer)
        thread.start()
        with urllib.request.urlopen(f"{local_url(host, port)}/", timeout=2) as response:  # noqa: S310
            assert response.read() == b"here"
        thread.join()
