"""Signatures in pictures and films: Content Credentials (C2PA, specification 2.2), with the user's own key."""
