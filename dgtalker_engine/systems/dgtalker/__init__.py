"""DGTalker: a generative prior of Gaussian heads, and people navigated in its latent space."""
