"""Rules of the house that an installed package must keep; `lint-imports` checks the arrows."""

import subprocess
import sys

HEAVY = ("livekit.agents", "livekit.plugins", "numpy", "onnxruntime")


def test_the_api_does_not_load_the_agents_framework() -> None:
    """What `agent-runtime api` imports leaves the framework alone: it costs seconds and 100 MB."""
    code = (
        "import sys\n"
        "import agent_runtime.cli.main, agent_runtime.wiring.api, agent_runtime.api.app\n"
        "import agent_runtime.api.http.server, agent_runtime.storage, agent_runtime.livekit_api.rooms\n"
        "import livekit.api\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_what_is_tested_is_what_is_installed() -> None:
    """The package comes from the environment and brings its version and its types."""
    from importlib.metadata import files, version

    from agent_runtime import __version__

    assert version("voice-agent-runtime") == __version__
    names = {str(path) for path in files("voice-agent-runtime") or ()}
    assert not any("tests" in name for name in names)
