"""Systems: each a model, its training, and what is shipped of it. Nothing that answers a user imports this package."""
