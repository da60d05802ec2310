"""Moving a person through the latent space: blendshapes in W+, encoders of sound, and what they learn from."""
