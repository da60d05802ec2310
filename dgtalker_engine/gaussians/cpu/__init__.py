"""The renderer for processors: kernels compiled by Numba.

In the order in which a picture passes through them: `raster` (the whole of it), `projection` (with `harmonics`),
`binning`, `blending`; backwards `blending_gradients` and `projection_gradients`, and `autograd` for PyTorch. Under
them: `lanes`, `powers` and `bits` (vectors, which Numba does not have), `workers` (threads) and `compilation`. Beside
them: `posing` (blendshapes), `placing` (heads put into the world), `srgb`.
"""
