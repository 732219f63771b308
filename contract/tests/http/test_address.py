"""Addresses: http and https, with a path or without; certificates that are trusted or not."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contract.errors import TargetMisbehaved, TargetUnreachable
from contract.http.address import Address, Trust
from contract.http.messages import Answer, Request
from contract.http.wire import send, unpacked

READ = Request("GET", "/health", ())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of localhost, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    found = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + found.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def serving(certificate: Path | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on a port of localhost, with TLS or without; the request lines that it got."""
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, "localhost", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], lines


async def test_https_with_a_ca_of_ones_own_and_a_path(certificate: Path) -> None:
    """With the CA the request arrives, below the path of the URL."""
    async with serving(certificate) as (port, lines):
        address = Address.of(f"https://localhost:{port}/base/")
        answer = await send(address.trusting(Trust(certificate)), READ)
        trusting = await send(address.trusting(Trust(everyone=True)), READ)
    assert (answer.status, answer.body, trusting.status) == (200, b"{}", 200)
    assert lines == [b"GET /base/health HTTP/1.1\r\n"] * 2


async def test_an_untrusted_certificate_names_the_options(certificate: Path) -> None:
    """Without the CA the message names both ways out."""
    async with serving(certificate) as (port, _):
        with pytest.raises(TargetUnreachable, match=r"not trusted.*--ca FILE.*--insecure"):
            await send(Address.of(f"https://localhost:{port}"), READ)


async def test_the_wrong_scheme_is_said(certificate: Path) -> None:
    """Https to a plain port, and http to a TLS port, are told apart from a broken service."""
    async with serving(None) as (port, _):
        with pytest.raises(TargetUnreachable, match="is it http:// instead of https://"):
            await send(Address.of(f"https://localhost:{port}"), READ)
    async with serving(certificate) as (port, _):
        with pytest.raises(TargetMisbehaved, match=r"use https:// instead|without an answer"):
            await send(Address.of(f"http://localhost:{port}"), READ)


async def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    """The message names the option and the file."""
    path = tmp_path / "ca.pem"
    path.write_text("none")
    with pytest.raises(TargetUnreachable, match=r"--ca .*ca\.pem holds no PEM certificate"):
        await send(Address.of("https://localhost:1").trusting(Trust(path)), READ)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_packed_answers_are_unpacked_and_say_so_still(coding: str) -> None:
    """The body is what a client reads; the header stays, since a client sees it."""
    packed = Answer(200, (("Content-Encoding", coding),), gzip.compress(b'{"a":1}'))
    assert unpacked(packed).body == b'{"a":1}'
    assert unpacked(packed).header("content-encoding") == coding


def test_what_is_not_packed_stays() -> None:
    """Another coding, or a body that is not what it says, is compared as it came."""
    for coding in ("br", "gzip"):
        answer = Answer(200, (("Content-Encoding", coding),), b"{}")
        assert unpacked(answer) == answer
