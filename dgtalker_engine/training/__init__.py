"""Training of the engine's models. Nothing that answers a user imports this package."""
