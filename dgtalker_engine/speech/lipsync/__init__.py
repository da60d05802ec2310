"""The learned mouth: encoders, their inputs, and their weights."""
