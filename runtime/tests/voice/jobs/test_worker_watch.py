"""A job process ends soon after its worker has died, also when it hangs."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil

WORKER = """
import multiprocessing, sys, time
from agent_runtime.voice.jobs.worker_watch import end_with_worker

def job():
    end_with_worker(grace=0.1)
    print(multiprocessing.current_process().pid, flush=True)
    while True:
        time.sleep(3600)

if __name__ == "__main__":
    multiprocessing.get_context("forkserver").Process(target=job).start()
    time.sleep(3600)
"""


def test_a_hanging_job_ends_with_its_killed_worker(tmp_path: Path) -> None:
    """A killed worker leaves neither the job process behind nor the fork server that it came from."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    worker = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert int(worker.stdout.readline()) > 0
    processes = psutil.Process(worker.pid).children(recursive=True)
    assert len(processes) >= 2  # the fork server and the job
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert alive == []
