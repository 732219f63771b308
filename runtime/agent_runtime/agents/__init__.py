"""An agent's configuration: one typed model (`model.py`) and a parser for each form that it comes in."""

from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.forms.row import parse_row
from agent_runtime.agents.model import AgentConfig

__all__ = ["AgentConfig", "parse_registered", "parse_row"]
