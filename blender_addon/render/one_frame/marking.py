"""The mark of synthetic media in pictures that another engine renders: it goes with Blender's own metadata, as a note.

Blender lets an engine add to the metadata of its own picture only.
"""

from __future__ import annotations

import bpy

from dgtalker_engine.wire import provenance

from ...head import model
from ...properties import head_properties

_BEGINNING = "Digital source type: "


def note(scene: bpy.types.Scene, own: str) -> str:
    """The note of a scene's pictures: what its animator wrote, and what its heads are."""
    hashes = sorted({head_properties(head).avatar_hash for head in model.heads(scene)})
    sources = " ".join(f"urn:dgtalker:avatar:{each}" for each in hashes)
    mark = f"{_BEGINNING}{provenance.SOURCE_TYPE}; DGTalker {provenance.version()}; {sources}"
    return f"{own}\n{mark}" if own else mark


def own_part(text: str) -> str:
    """What an animator wrote in a note."""
    return text.partition(_BEGINNING)[0].rstrip("\n")
