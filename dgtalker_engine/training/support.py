"""Which controls of a head a clip cannot support: those that would show what no frame shows."""

from __future__ import annotations

import numpy as np
import torch

from ..capture.clip import Clip
from ..capture.face_model import FaceModel
from ..capture.mesh_raster import rasterize
from ..gaussians import Camera
from ..rig import ARKIT_NAMES, mirrored

SEEN, SEEN_FRAMES = 0.1, 3
"""A control counts as seen where it, or that of the other side, was this much in this many frames."""
LEAST_UNCOVERED = 1e-3
"""Of the face in the picture: what is less is not noticed."""
STRETCH = 4
"""Times as large as in any frame a triangle of the face still shows what was learned of it."""
MOST_FRAMES = 48
SIDE = 512
"""Pixels of the pictures in which that is looked at, whatever the clip's are."""


def unsupported(clip: Clip, face_model: FaceModel) -> tuple[str, ...]:
    """The controls that the clip's person never did and that uncover what no frame shows: a tongue, the upper white of
    an eye, teeth. All others move what was seen as the face model knows faces to move.

    Args:
        clip: the frames.
        face_model: that it was fitted with.
    """
    done = seen(clip.tracks.expression)
    missing = [name for name in ARKIT_NAMES if name not in done]
    each = np.eye(len(ARKIT_NAMES), dtype=np.float32)
    shares = uncovered(clip, face_model, each[[ARKIT_NAMES.index(name) for name in missing]])
    found = {name for name, share in zip(missing, shares, strict=True) if share > LEAST_UNCOVERED}
    return tuple(name for name in missing if {name, mirrored(name)} & found)


def seen(arkit: np.ndarray) -> frozenset[str]:
    """The controls that frames (T, 52) show, on their own side or on the other; one frame may be a mistake."""
    most = dict(zip(ARKIT_NAMES, np.sort(arkit, axis=0)[-min(SEEN_FRAMES, len(arkit))], strict=True))
    return frozenset(name for name in ARKIT_NAMES if max(most[name], most[mirrored(name)]) >= SEEN)


def uncovered(clip: Clip, face_model: FaceModel, expressions: np.ndarray) -> list[float]:
    """For each expression (n, E) the share of the face, as the clip's middle frame sees it, that no frame shows."""
    tracks = clip.tracks
    identity = torch.from_numpy(tracks.identity)
    chosen = np.unique(np.linspace(0, len(clip) - 1, MOST_FRAMES).round().astype(int))

    def pixels(expression: np.ndarray, pose: np.ndarray, camera: Camera) -> np.ndarray:
        vertices = face_model.vertices(identity, torch.from_numpy(expression), torch.from_numpy(pose)).numpy()
        return _pixels(vertices, face_model.faces.numpy(), camera)

    shown = np.max([pixels(tracks.expression[i], tracks.pose[i], clip.camera(i)) for i in chosen], axis=0)
    middle, still = clip.camera(len(clip) // 2), np.zeros_like(tracks.pose[0])
    shares = []
    for expression in expressions:
        wanted = pixels(expression, still, middle)
        shares.append(float(np.maximum(wanted - STRETCH * shown, 0).sum() / max(wanted.sum(), 1)))
    return shares


def _pixels(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """How many pixels show each triangle (F,)."""
    in_camera = vertices @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    projected = in_camera @ camera.K.T
    places = projected[:, :2] / projected[:, 2:] * (SIDE / camera.width)
    raster = rasterize(places, in_camera[:, 2], faces, SIDE, SIDE)
    return np.bincount(raster.triangles[raster.triangles >= 0], minlength=len(faces))
