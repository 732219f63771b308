"""Builds LiveKit's AgentSession for an agent: what the field calls the pipeline."""
