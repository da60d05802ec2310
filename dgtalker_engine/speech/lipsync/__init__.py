"""The learned mouth: encoders, what they listen to, and their weights."""
