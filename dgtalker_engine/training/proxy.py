"""The mesh that stands for a trained head in Blender: the face model as the person is, coloured by the Gaussians."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import coo_matrix, diags
from scipy.spatial import KDTree

from ..avatar import ProxyMesh
from ..capture.face_model import FaceModel, Region
from ..gaussians import Gaussians
from ..gaussians.constants import SH_C0
from ..kernels import srgb
from ..rig import Surface
from .face_rig import EYES, FaceRig

SURFACES = {
    Region.SKIN: Surface.SKIN,
    Region.UPPER_FACE: Surface.SKIN,
    Region.LIPS: Surface.LIPS,
    Region.MOUTH_INSIDE: Surface.MOUTH,
    Region.TEETH: Surface.TEETH,
    Region.EYES: Surface.EYE_WHITE,
    Region.SCALP: Surface.HAIR,
    Region.NECK: Surface.SKIN,
}
IRIS, PUPIL = 5.9e-3, 2.0e-3  # m, radii
MOST_HAIR, HAIR_QUANTILE, SMOOTHINGS = 0.1, 0.9, 3
HAIRS, HAIR_ANGLE = 12, 0.08
"""Gaussians that have to lie before a point, within radians of it, for it to be under hair."""
NEIGHBOURS = 6

_INSIDE = (Region.MOUTH_INSIDE, Region.TEETH, Region.EYES)


def proxy_mesh(
    face_model: FaceModel, identity: np.ndarray, face_rig: FaceRig, cloud: Gaussians, hair: np.ndarray
) -> ProxyMesh:
    """The mesh, with the deltas of the rig's controls; without what the joints do.

    Args:
        face_model: the model.
        identity: of the person (I,).
        face_rig: of that person.
        cloud: at rest.
        hair: bool (N,), the Gaussians that are bound to no triangle of the model.
    """
    person = torch.from_numpy(identity)
    rest = face_model.vertices(person, torch.zeros(len(face_model.expression_names))).numpy()
    deltas = []
    for control in face_rig.rig.controls:
        ends = [end for end in (control.minimum, control.maximum) if end]
        moved = [_sculpted(face_model, person, face_rig, rest, control.name, end) / end for end in ends]
        deltas.append(np.mean(moved, axis=0))
    regions = face_model.regions.numpy()
    triangles = face_model.faces.numpy()
    solid = cloud.means.numpy()[hair & (cloud.opacities.numpy() > 0.3)]
    outline = rest + _hair(rest, triangles, regions, solid)
    colours = _colours(outline, cloud)
    return ProxyMesh(
        vertices=outline.astype(np.float32),
        faces=np.column_stack([triangles, np.full(len(triangles), -1)]).astype(np.int32),
        uv=face_model.uv.numpy().astype(np.float32),
        colours=np.column_stack([colours, np.ones(len(colours))]).astype(np.float32),
        deltas=np.array(deltas, np.float32),
        surfaces=_surfaces(face_rig, rest[triangles].mean(axis=1), regions),
    )


def _sculpted(
    face_model: FaceModel, person: torch.Tensor, face_rig: FaceRig, rest: np.ndarray, name: str, weight: float
) -> np.ndarray:
    """How far (V, 3) an expression moves the vertices, but for what the rig's joints turn: the eyes."""
    weights = np.array([weight if other == name else 0.0 for other in face_rig.rig.names], np.float32)
    expression = torch.from_numpy(face_rig.expression(weights))
    turned = torch.tensordot(expression, face_model.expression_pose, 1)
    sculpted = [joint for joint, called in enumerate(face_model.joint_names) if called not in EYES]
    turned[sculpted] = 0
    return face_model.vertices(person, expression, -turned).numpy() - rest


def _colours(places: np.ndarray, cloud: Gaussians) -> np.ndarray:
    """Scene-linear (V, 3): what the Gaussians beside each vertex show."""
    means, solid = cloud.means.numpy(), cloud.opacities.numpy()
    distance, near = KDTree(means).query(places, NEIGHBOURS)
    weight = solid[near] * np.exp(-np.square(distance / (distance[:, :1] + 1e-3)))
    seen = cloud.sh[:, 0].numpy()[near] * SH_C0 + 0.5
    painted = np.clip((seen * weight[..., None]).sum(1) / np.maximum(weight.sum(1), 1e-9)[:, None], 0, 1)
    return srgb.decode(painted)


def _surfaces(face_rig: FaceRig, middles: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """uint8 (F,) of `Surface`."""
    surfaces = np.array([SURFACES[Region(region)] for region in range(len(Region))], np.uint8)[regions]
    for joint in face_rig.joints[:2]:
        beside = middles - joint.pivot
        from_axis = np.hypot(beside[:, 0], beside[:, 2])
        front = (regions == Region.EYES) & (beside[:, 1] < 0) & (np.linalg.norm(beside, axis=1) < 0.02)
        surfaces[front & (from_axis < IRIS)] = Surface.IRIS
        surfaces[front & (from_axis < PUPIL)] = Surface.PUPIL
    return surfaces


def _hair(rest: np.ndarray, triangles: np.ndarray, regions: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """How far (V, 3) the outside is pushed from the skull's middle, to where the hair (M, 3) before it ends.

    Seen from there hair is one surface, wherever the model has its scalp: over ears, beside cheeks and neck.
    """
    moved = np.zeros_like(rest)
    if len(solid) < HAIRS:
        return moved
    scalp = rest[np.unique(triangles[regions == Region.SCALP])]
    centre = (scalp.min(axis=0) + scalp.max(axis=0)) / 2
    outside = np.unique(triangles[~np.isin(regions, _INSIDE)])
    far, distance = (np.linalg.norm(points - centre, axis=1) for points in (solid, rest[outside]))
    directions = (rest[outside] - centre) / distance[:, None]
    tree = KDTree((solid - centre) / far[:, None])
    apart, near = (np.asarray(each) for each in tree.query(directions, HAIRS, distance_upper_bound=HAIR_ANGLE))
    covered = np.isfinite(apart).all(axis=1)
    reached = np.quantile(far[near[covered]], HAIR_QUANTILE, axis=1)
    pushed = np.zeros(len(rest))
    pushed[outside[covered]] = np.clip(reached - distance[covered], 0, MOST_HAIR)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    both = np.concatenate([edges, edges[:, ::-1]])
    beside = coo_matrix((np.ones(len(both)), both.T), (len(rest), len(rest))).tocsr()
    average = diags(1 / np.maximum(np.asarray(beside.sum(axis=1)).ravel(), 1)) @ beside
    for _ in range(SMOOTHINGS):
        pushed = average @ pushed
    moved[outside] = pushed[outside, None] * directions
    return moved
