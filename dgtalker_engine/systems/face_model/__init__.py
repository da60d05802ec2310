"""The face model, learned from samples of a sculpted one: its own topology, components and landmarks."""
