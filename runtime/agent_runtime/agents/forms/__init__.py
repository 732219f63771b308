"""The forms in which an agent's configuration comes, one parser each; all load into `agents/model.py`."""
