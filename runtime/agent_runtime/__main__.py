"""`python -m agent_runtime` is the command `agent-runtime`."""

from agent_runtime.cli.main import main

raise SystemExit(main())
