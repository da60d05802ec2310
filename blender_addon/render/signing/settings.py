"""Whether a scene's files are signed, with whose certificate, and what a signature says of them.

The scene says whether; the certificate and the key are the machine's, in its preferences, and never in a .blend.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import SigningCredential
from dgtalker_engine.wire.signing import media_type

from ...head import model
from ...properties import head_properties
from .. import output
from ..scene_pairs import one_frame

EXTENSION = str(__package__).rsplit(".", 2)[0]
ENGINE = "DGTALKER"


def is_wanted(scene: bpy.types.Scene) -> bool:
    owner: Any = scene
    return owner.dgtalker_sign


def credential() -> SigningCredential:
    """That of the preferences.

    Raises:
        DGTalkerError: there is none, or it needs the network and Blender may not use it.
    """
    own: Any = bpy.context.preferences.addons[EXTENSION].preferences
    named = {"certificate": own.signing_certificates, "private key": own.signing_key}
    for what, path in named.items():
        if not path:
            raise DGTalkerError(
                f"The scene's files are to be signed, and this machine has no {what} for it.",
                "Name its PEM file in the preferences, or turn Content Credentials off in the output properties.",
            )
    if own.time_stamp_server and not bpy.app.online_access:
        raise DGTalkerError(
            "Signatures are to be time-stamped, and Blender may not use the network.",
            "Allow online access in the preferences, System ▸ Network, or leave Time-Stamp Server empty.",
        )
    certificates, key = (str(Path(bpy.path.abspath(path)).absolute()) for path in named.values())
    return SigningCredential(certificates=certificates, key=key, time_stamps=own.time_stamp_server)


def is_named() -> bool:
    """Whether the preferences name a certificate and a key."""
    own: Any = bpy.context.preferences.addons[EXTENSION].preferences
    return bool(own.signing_certificates and own.signing_key)


def unsigned_reason(scene: bpy.types.Scene) -> str:
    """Why the scene's files stay without a signature although it is wanted; empty where they do not."""
    path = output.target(scene, scene.frame_current)
    if path is None or media_type(path):
        return ""
    return f"C2PA cannot sign {path.suffix or 'such'} files: they are written without a signature."


def check(scene: bpy.types.Scene) -> None:
    """Raises DGTalkerError where files are written in a way that is not signed here."""
    if scene.render.use_multiview:
        raise DGTalkerError(
            "Stereoscopic pictures are not signed.",
            "Turn Content Credentials, or stereoscopy, off in the output properties.",
        )


def is_composite(scene: bpy.types.Scene) -> bool:
    """Whether a scene's pictures show more than its heads: another engine's, the compositor's, the sequencer's."""
    render: Any = scene.render
    strips: Any = scene.sequence_editor.strips if scene.sequence_editor is not None else ()
    return bool(
        render.engine != ENGINE
        or (render.use_compositing and output.has_compositor(scene))
        or (render.use_sequencer and any(strip.type != "SOUND" and not strip.mute for strip in strips))
    )


def avatars(scene: bpy.types.Scene) -> dict[str, str]:
    """Who is seen: the status of their consent by content hash."""
    other = one_frame(scene).heads
    heads = [*model.heads(scene), *(model.heads(other) if other else [])]
    return {head_properties(head).avatar_hash: model.consent_of(head)["status"] for head in heads}
