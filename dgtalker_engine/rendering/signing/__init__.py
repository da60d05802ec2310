"""Signatures in pictures and films: C2PA's Content Credentials (c2pa.org, specification 2.2), with the user's own key."""
