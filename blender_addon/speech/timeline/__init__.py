"""Sound strips, who speaks them, their mix, and our markers."""
