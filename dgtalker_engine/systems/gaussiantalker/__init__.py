"""GaussianTalker (Yu et al., ACM Multimedia 2024): Gaussians bound to a face model's triangles."""
