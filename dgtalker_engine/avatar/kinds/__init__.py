"""The kinds of avatar: each a way to make Gaussians of weights."""
