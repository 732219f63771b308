"""The harness's own options of Locust's command line; a master passes them on to its workers."""

from __future__ import annotations

import logging
import os
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from load.caller_host.settings import HostSettings
from load.scenario import Scenario, read_scenario
from load.services import OURS

logger = logging.getLogger(__name__)

API_KEY: Final = "LOAD_API_KEY"
REPORTS: Final = "REPORTS_DIR"


def add_options(parser: Any) -> None:
    """All of them begin with --load-, so that none collides with Locust's."""
    add = parser.add_argument
    add(
        "--load-api",
        env_var="LOAD_API",
        default="http://127.0.0.1:3000",
        help="base URL of the API",
    )
    add("--load-api-key", env_var=API_KEY, default="", is_secret=True, help="key of the API")
    add("--load-livekit", env_var="LIVEKIT_URL", default="", help="URL of LiveKit, ws:// or wss://")
    add("--load-livekit-key", env_var="LIVEKIT_API_KEY", default="", is_secret=True)
    add("--load-livekit-secret", env_var="LIVEKIT_API_SECRET", default="", is_secret=True)
    add("--load-scenario", default="receptionist", help="name of a scenario, or a YAML file")
    add("--load-agent-id", type=int, default=7, help="an agent that is registered")
    add("--load-tenant-id", type=int, default=1)
    add("--load-arrivals", type=float, default=0.0, help="calls a minute, whatever becomes of them")
    add("--load-callers-per-host", type=int, default=8, help="calls that share a process")
    add("--load-thresholds", default="", help="YAML file; a missed threshold ends in exit code 1")
    add("--load-seed", type=int, default=0, help="another seed makes other calls")
    add("--load-target", default=OURS, help="a word for what is measured, kept in the results")
    add("--load-reports", default="", help="folder of this run's reports")
    add("--load-database", default="", include_in_web_ui=False, help="URL, to read session_metrics")
    add("--load-stand-ins", default="", include_in_web_ui=False, help="URL of provider stand-ins")


def reports_folder(options: Namespace) -> Path:
    """Where this run's journal, results and page go."""
    return Path(
        options.load_reports or Path(os.environ.get(REPORTS, "reports")) / "load" / "latest"
    )


def check_connections(options: Namespace) -> None:
    """Raises ValueError when it is not said where to call."""
    for option in ("load_livekit", "load_livekit_key", "load_livekit_secret"):
        if not getattr(options, option):
            raise ValueError(f"--{option.replace('_', '-')} is not set")


def host_settings(options: Namespace, scenario: Scenario, name: str) -> HostSettings:
    """What one caller host is told. Raises ValueError when it is not said where to call."""
    check_connections(options)
    recordings = reports_folder(options) / "calls"
    try:
        recordings.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        logger.warning("%s cannot be made (%s): calls are not kept", recordings, error.strerror)
    return HostSettings(
        name=name,
        api_url=options.load_api,
        api_key=options.load_api_key,
        livekit_url=options.load_livekit,
        livekit_key=options.load_livekit_key,
        livekit_secret=options.load_livekit_secret,
        agent_id=options.load_agent_id,
        tenant_id=options.load_tenant_id,
        scenario=scenario,
        seed=options.load_seed,
        stand_in_voice=bool(options.load_stand_ins),
        recordings=str(recordings),
    )


def scenario_of(options: Namespace) -> Scenario:
    """The scenario that is asked for. Raises FileError."""
    return read_scenario(options.load_scenario)
