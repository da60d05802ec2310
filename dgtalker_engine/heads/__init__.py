"""How the built-in heads are made: sculpture, Cycles' pictures of it, the fit, sheets. Not in the engine's wheel."""
