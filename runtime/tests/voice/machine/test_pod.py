"""The deletion cost of a worker's pod, against an HTTPS server that stands for the Kubernetes API."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent_runtime.domain.errors import CannotStart
from agent_runtime.voice.machine.pod import ANNOTATION, Pod, PodDeletionCost


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key; returns the file of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.crt").write_bytes(public)
    both = folder / "server.pem"
    both.write_bytes(
        public
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return both


class Kubernetes:
    """Takes PATCH requests; `statuses` are its next answers, 200 when there are no more."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[tuple[str, str, Any]] = asyncio.Queue()
        self.statuses: list[int] = []

    async def patch(self, request: web.Request) -> web.Response:
        """Note path, token and annotations of a request."""
        status = self.statuses.pop(0) if self.statuses else 200
        assert request.content_type == "application/merge-patch+json"
        annotations = (await request.json())["metadata"]["annotations"]
        await self.requests.put((request.path, request.headers["Authorization"], annotations))
        return web.json_response({}, status=status)


@asynccontextmanager
async def kubernetes(folder: Path) -> AsyncIterator[tuple[Kubernetes, int]]:
    """The server, and its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(_certificate(folder))
    server = Kubernetes()
    app = web.Application()
    app.router.add_patch("/api/v1/namespaces/{namespace}/pods/{pod}", server.patch)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield server, runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_the_number_of_calls_is_written_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each change is one request with the account's current token; a refused one is sent again."""
    (tmp_path / "namespace").write_text("voice\n")
    (tmp_path / "token").write_text("first")
    async with kubernetes(tmp_path) as (server, port):
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
        calls = 3
        reporter = PodDeletionCost(
            Pod.of_this_process("worker-1", tmp_path), lambda: calls, interval=0.01
        )
        server.statuses = [403]
        task = asyncio.create_task(reporter.run())
        try:
            async with asyncio.timeout(20):
                path = "/api/v1/namespaces/voice/pods/worker-1"
                wanted = (path, "Bearer first", {ANNOTATION: "3"})
                assert await server.requests.get() == wanted  # refused
                assert await server.requests.get() == wanted
                (tmp_path / "token").write_text("renewed")
                calls = 0
                assert await server.requests.get() == (path, "Bearer renewed", {ANNOTATION: "0"})
        finally:
            task.cancel()
        assert server.requests.empty()
    assert "the pod's deletion cost is not written: Kubernetes answered 403" in caplog.messages


def test_outside_of_kubernetes_the_worker_does_not_start_with_it(tmp_path: Path) -> None:
    """The refusal names the setting."""
    with pytest.raises(CannotStart, match="WORKER_POD_DELETION_COST"):
        Pod.of_this_process("worker-1", tmp_path)
