"""Builds LiveKit's AgentSession for an agent: the pipeline of VAD, STT, turn detection, LLM and TTS."""
