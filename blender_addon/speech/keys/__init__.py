"""Keys that follow from speech: how they are written, found again, and rewritten."""
