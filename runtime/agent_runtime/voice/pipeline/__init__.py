"""Builds LiveKit's AgentSession for an agent."""
