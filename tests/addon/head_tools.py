"""What tests of heads look at."""

from __future__ import annotations

import bpy
import numpy as np


def keys(ob):
    return ob.data.shape_keys.key_blocks


def posed(ob, **values) -> np.ndarray:
    """The evaluated mesh in millimetres."""
    for name, value in values.items():
        keys(ob)[name].value = value
    evaluated = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(len(ob.data.vertices) * 3, np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    return 1e3 * flat.reshape(-1, 3)
