"""Installing the engine: what is downloaded, how it becomes an environment, its removal; `ui` has the buttons."""
