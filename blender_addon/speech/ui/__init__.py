"""The operators and panels of speech."""
