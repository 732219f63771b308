"""A killed caller host leaves no process behind, and its driver does not wait for it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[3]

JUDGES = """
import asyncio, sys, time
import numpy as np
from fixtures.speech import Sound
from load.caller_host.judge import Judge

async def run():
    judge = Judge([], stand_in_voice=False)
    await judge.judge(Sound(np.zeros(16000, np.int16), 16000), None)
    print("judged", flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(run())
"""

REPORTS = """
import subprocess, sys
from load.caller_host.output import claim_stdout
from load.messages import encode

claim_stdout()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
sys.stdout.write(encode({"kind": "done", "child": child.pid}))
sys.stdout.flush()
sys.stdin.read()
"""


def test_the_judge_ends_with_its_host(tmp_path: Path) -> None:
    """The process that recognises speech ends when its caller host is killed."""
    script = tmp_path / "judges.py"
    script.write_text(JUDGES)
    with subprocess.Popen(
        [sys.executable, str(script)],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    ) as host:  # fmt: skip
        assert host.stdout is not None
        assert host.stdout.readline() == "judged\n"
        family = psutil.Process(host.pid).children(recursive=True)
        host.kill()
        try:
            assert family
            assert not psutil.wait_procs(family, timeout=15)[1]
        finally:
            for process in family:
                if process.is_running():
                    process.kill()


def test_the_reports_end_when_the_host_does() -> None:
    """A host's output closes when the host ends, even if a child goes on; the driver waits for it."""
    with subprocess.Popen(
        [sys.executable, "-c", REPORTS],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as host:  # fmt: skip
        assert host.stdout is not None
        report = json.loads(host.stdout.readline())
        child = psutil.Process(report["child"])
        began = time.monotonic()
        host.kill()
        try:
            assert host.stdout.read() == ""
            assert time.monotonic() - began < 30
            assert child.is_running()
        finally:
            child.kill()
