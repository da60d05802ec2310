"""The renderer for processors: kernels compiled by Numba.

In the order in which a picture passes through them: `raster` (the whole of it), `projection` (with
`spherical_harmonics`), `binning`, `blending`; backwards `blending_gradients` and `projection_gradients`, and `autograd`
for PyTorch. Beside them: `placing` (heads put into the world), `srgb` (pictures to scene-linear).
"""
