"""The workshop: the sculpture as meshes, Cycles pictures of it, and the fit of the Gaussians to them."""
