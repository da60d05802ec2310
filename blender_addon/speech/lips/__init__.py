"""Lip contacts: how far lips are apart, and keys that close them."""
