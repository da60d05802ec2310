"""The renderer for NVIDIA GPUs: gsplat's kernels, several frames at once.

`batching` (what is drawn at once, and what is done when memory runs out) calls `raster` (one batch, drawn by gsplat),
which takes from `transfer` (to the GPU and back). `self_test` says whether all that works here. Nothing of it may be
imported before `gaussians.backend` has allowed it, since gsplat may not be there.
"""
