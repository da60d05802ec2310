"""The renderer for processors: kernels compiled by Numba.

In the order in which a picture passes through them: `raster` (the whole of it), `projection` (with `harmonics`),
`binning`, `blending`. Under them: `lanes`, `powers` and `bits` (vectors, which Numba does not have), `workers`
(threads) and `compilation`. Beside them: `placing` (heads put into the world), `srgb`.
"""
