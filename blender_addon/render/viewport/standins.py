"""The meshes that stand for heads: not drawn in viewports where the heads themselves are.

Only what Blender made of an object for its viewports is changed, never the object: nothing of it is saved, undone or
seen by a render. There it is displayed as its bounds, which hides its surface and leaves it evaluated, and clickable.
Blender makes these copies anew whenever the object changes, so that it is done again after each evaluation.
"""

from __future__ import annotations

import bpy

from .heads import Key, object_of

HIDDEN = "BOUNDS"

_hidden: frozenset[Key] = frozenset()


def hide(keys: frozenset[Key]) -> None:
    """Hides the meshes of these heads, and no others, in all windows."""
    global _hidden
    before, _hidden = _hidden, keys
    for key in before ^ keys:
        ob = object_of(key)
        if ob is not None:
            # Blender copies it anew, and forgets what its antialiasing remembers; `apply` follows.
            ob.update_tag()


def are_hidden(keys: frozenset[Key]) -> bool:
    """Whether the meshes of all these heads are hidden."""
    return keys <= _hidden


def apply(depsgraph: bpy.types.Depsgraph, *, shown: bool = False) -> None:
    """Hides again what is hidden, after an evaluation.

    Args:
        shown: for this once nothing is.
    """
    for key in _hidden:
        ob = object_of(key)
        evaluated = ob and ob.evaluated_get(depsgraph)
        if ob is None or evaluated is None or not evaluated.is_evaluated:
            continue  # gone, or not in this view layer
        display = ob.display_type if shown else HIDDEN
        if evaluated.display_type != display:
            evaluated.display_type = display
