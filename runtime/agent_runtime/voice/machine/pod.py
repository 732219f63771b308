"""Reports to Kubernetes how many calls the worker's pod holds, so that it is not the first to be deleted.

A Deployment that is scaled down deletes pods with the lowest `controller.kubernetes.io/pod-deletion-cost`
first: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import aiohttp

from agent_runtime.domain.errors import CannotStart
from agent_runtime.telemetry.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

# Where Kubernetes puts the credentials of a pod's service account; the token is renewed there every hour.
ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ANNOTATION: Final = "controller.kubernetes.io/pod-deletion-cost"
# Seconds between two reports: Kubernetes asks not to write the annotation often.
INTERVAL: Final = 10.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod: the URL under which the Kubernetes API has it, and the folder with its credentials."""

    url: str
    account: Path = ACCOUNT

    @classmethod
    def of_this_process(cls, name: str, account: Path = ACCOUNT) -> Self:
        """The pod that this process runs in. Raises CannotStart outside a pod with a service account."""
        host = os.environ.get("KUBERNETES_SERVICE_HOST")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        try:
            namespace = (account / "namespace").read_text("ascii").strip()
        except OSError as error:
            raise CannotStart(
                f"WORKER_POD_DELETION_COST: {error.filename} cannot be read; "
                "mount the pod's service account"
            ) from error
        if not host:
            raise CannotStart("WORKER_POD_DELETION_COST: this process does not run in Kubernetes")
        if ":" in host:
            host = f"[{host}]"
        return cls(f"https://{host}:{port}/api/v1/namespaces/{namespace}/pods/{name}", account)


class PodDeletionCost:
    """Writes the number of calls to the pod's annotation, whenever it has changed."""

    def __init__(self, pod: Pod, calls: Callable[[], int], interval: float = INTERVAL) -> None:
        self._pod = pod
        self._calls = calls
        self._interval = interval
        self._reported: int | None = None
        self._outage = LogThrottle(logger, "the pod's deletion cost is not written")

    async def run(self) -> None:
        """Report until cancelled. A failure is logged, and changes nothing else."""
        trusted = ssl.create_default_context(cafile=str(self._pod.account / "ca.crt"))
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
            while True:
                await self._report(http, trusted)
                await asyncio.sleep(self._interval)

    async def _report(self, http: aiohttp.ClientSession, trusted: ssl.SSLContext) -> None:
        calls = self._calls()
        if calls == self._reported:
            return
        try:
            token = await asyncio.to_thread((self._pod.account / "token").read_text, "ascii")
            async with http.patch(
                self._pod.url,
                json={"metadata": {"annotations": {ANNOTATION: str(calls)}}},
                headers={
                    "Authorization": f"Bearer {token.strip()}",
                    "Content-Type": "application/merge-patch+json",
                },
                ssl=trusted,
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    self._outage.failed(f"Kubernetes answered {answer.status}")
                    return
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            self._outage.failed(error)
            return
        self._outage.recovered()
        self._reported = calls
