"""Heads of Gaussians that ride on a face model's triangles and a hair shell's: what systems that have such share."""
