"""An agent's configuration: one typed model (`model.py`) and a parser for each form that it comes in."""

from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.registered import parse_registered
from agent_runtime.agents.row import parse_row

__all__ = ["AgentConfig", "parse_registered", "parse_row"]
