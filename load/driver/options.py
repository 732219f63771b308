"""The harness's options on Locust's command line; a master passes them on to its workers."""

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
    """Add the options; all begin with --load-, so that none collides with one of Locust's."""
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
    add("--load-agent-id", type=int, default=7, help="id of a registered agent")
    add("--load-tenant-id", type=int, default=1)
    add(
        "--load-arrivals",
        type=float,
        default=0.0,
        help="calls a minute, however long earlier ones take",
    )
    add("--load-callers-per-host", type=int, default=8, help="calls in one process")
    add("--load-thresholds", default="", help="YAML file; missing a threshold exits with 1")
    add("--load-seed", type=int, default=0, help="random seed of the calls")
    add("--load-target", default=OURS, help="name of what is measured, for the results")
    add("--load-reports", default="", help="folder for this run's report")
    add("--load-database", default="", include_in_web_ui=False, help="URL, to read session_metrics")
    add("--load-stand-ins", default="", include_in_web_ui=False, help="URL of provider stand-ins")


def reports_folder(options: Namespace) -> Path:
    """The folder of this run's journal, results and page."""
    return Path(
        options.load_reports or Path(os.environ.get(REPORTS, "reports")) / "load" / "latest"
    )


def check_connections(options: Namespace) -> None:
    """Raises ValueError when the LiveKit URL, key or secret is not set."""
    for option in ("load_livekit", "load_livekit_key", "load_livekit_secret"):
        if not getattr(options, option):
            raise ValueError(f"--{option.replace('_', '-')} is not set")


def host_settings(options: Namespace, scenario: Scenario, name: str) -> HostSettings:
    """The settings of one caller host. Raises ValueError when LiveKit's URL, key or secret is not set."""
    check_connections(options)
    recordings = reports_folder(options) / "calls"
    try:
        recordings.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        logger.warning("cannot create %s (%s): calls are not recorded", recordings, error.strerror)
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
    """Read the scenario that the options name. Raises FileError."""
    return read_scenario(options.load_scenario)
