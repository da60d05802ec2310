"""What is the same for all people at the places of a template: where they lie on the mean face, and what is there.

Lengths are millimetres, on the mean face at rest, in head space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.sparse
from scipy.spatial import KDTree

from ....capture.face_model import FaceModel, Region
from ..template import Template, layer_depths
from .noise import fields, smooth
from .transfer import light_transfer

# MediaPipe's landmarks of the subject's left side.
_BROW = ((336, 285), (296, 295), (334, 282), (293, 283), (300, 276))
"""Upper and lower edge, from the nose outwards."""
_UPPER_LID = (362, 398, 384, 385, 386, 387, 388, 466, 263)
_LOWER_LID = (362, 382, 381, 380, 374, 373, 390, 249, 263)
_CORNER, _WING, _CHIN, _TOP = 291, 358, 152, 10
_MOUTH = 42.0
"""How far from the lips, mm, what no light reaches at rest lies in the mouth."""
CROWN = np.array([0.0, 30.0, 22.0], np.float32)
"""The middle of the skull, about which hair is laid out."""


@dataclass(frozen=True)
class Curve:
    """Where places lie beside a line on the face's left half, mirrored to the right.

    Attributes:
        along: 0 to 1 (G,).
        across: above it positive, mm (G,).
        away: distance, mm (G,).
    """

    along: np.ndarray
    across: np.ndarray
    away: np.ndarray


class Canvas:
    """The places of a template on the mean face.

    Args:
        model: the face model.
        template: its places.
    """

    def __init__(self, model: FaceModel, template: Template) -> None:
        self.triangles = template.triangles.numpy()
        self.barycentrics = template.barycentrics.numpy()
        self.faces = model.faces.numpy()
        self.vertices = (1000 * model.neutral).numpy()
        self.landmarks = 1000 * model.landmarks(model.neutral).numpy()
        self._incidence = _incidence(self.faces, len(self.vertices))
        corners = self.faces[self.triangles]
        rows = np.repeat(np.arange(len(corners)), 3)
        self._between = scipy.sparse.csr_matrix(
            (self.barycentrics.ravel(), (rows, corners.ravel())), (len(corners), len(self.vertices))
        )
        self.normals = self.normals_of(self.vertices)
        self.points = self.at_places(self.vertices)
        self.mirrored = self.points * np.where(self.points[:, :1] < 0, [-1, 1, 1], 1).astype(np.float32)
        self.region = model.regions.numpy()[self.triangles]
        self._regions = model.regions.numpy()
        nearest, _ = KDTree(self.points).query(self.points, k=7)
        spacing = np.asarray(nearest)[:, 1:].mean(axis=1).astype(np.float32)
        open_mouth = 1000 * _posed(model, {"jawOpen": 0.8})
        shut_eyes = 1000 * _posed(model, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})
        stretch = np.maximum(self.stretch(open_mouth), self.stretch(shut_eyes))
        # Few places lie on what is hidden, unevenly: they must reach farther, but not out through the lips.
        cavity = self.region == Region.MOUTH_INSIDE
        most = np.where(cavity, np.interp(self.points[:, 1], [-66, -60, -50], [3, 6.5, 12]), 9)
        wide = np.where(cavity, 2.0, 1) * np.clip(stretch, 1, 3)
        self.spacing = np.minimum(spacing * wide, most).astype(np.float32)
        """Of places, in the expression that draws them apart most, mm (G,)."""
        self.grain = ((1 + layer_depths(len(self.points))) / 2).numpy()
        """0 to 1 (G,): how deep in its layer of hair a place lies."""
        self.turning = self.at_places(model.skin_weights.sum(dim=1, keepdim=True).numpy())[:, 0]
        """1 on eyeballs (G,)."""
        joints = 1000 * (model.joint_regressor @ model.neutral).numpy()
        self.eye = joints[model.joint_names.index("leftEye")]
        names = model.expression_names
        self.expression_index = {name: index for index, name in enumerate(names)}
        self._neighbours = _averages(self.faces, len(self.vertices))
        rest = self._transfer(self.vertices)
        opened = self._transfer(open_mouth)
        shut = self._transfer(shut_eyes)
        # What is hidden at rest is seen in other expressions, and in their light.
        mouth = np.linalg.norm(self.points - self.landmarks[13], axis=1) < _MOUTH
        skin = np.isin(self.region, (Region.SKIN, Region.LIPS))
        mouth &= self.points[:, 2] < self.landmarks[13, 2] + 12  # and not in the nose
        lining = skin * mouth * smooth(0.10, 0.02, rest[:, 0])
        self.inner_mouth = np.where(self.region == Region.MOUTH_INSIDE, 1, lining).astype(np.float32)
        """Gums, tongue, and what lies within lips and cheeks, 0 to 1 (G,)."""
        within = np.isin(self.region, (Region.MOUTH_INSIDE, Region.TEETH)) | (lining > 0.5)
        lids = (self.upper_lid.away < 22) & (self.region == Region.UPPER_FACE) & (shut[:, 0] > rest[:, 0])
        self.transfer = np.where(within[:, None], opened, np.where(lids[:, None], (rest + shut) / 2, rest))
        """How much of each spherical harmonic of the light arrives, (G, 9)."""

    def at_places(self, of_vertices: np.ndarray) -> np.ndarray:
        """Values of vertices (V, n) between them, at the places (G, n)."""
        return self._between @ of_vertices.astype(np.float32)

    def _vertex_normals(self, vertices: np.ndarray) -> np.ndarray:
        return unit(self._incidence @ _across(vertices[self.faces]))

    def normals_of(self, vertices: np.ndarray) -> np.ndarray:
        """Of a face of that mesh (V, 3), at the places (G, 3)."""
        return unit(self.at_places(self._vertex_normals(vertices)))

    def stretch(self, vertices: np.ndarray) -> np.ndarray:
        """How much longer lengths on the mesh (V, 3) are than at rest, at the places (G,)."""
        areas = [np.linalg.norm(_across(mesh[self.faces]), axis=1) for mesh in (vertices, self.vertices)]
        around = self._incidence @ np.stack(areas, axis=1)
        return self.at_places(np.sqrt(around[:, :1] / np.maximum(around[:, 1:], 1e-6)))[:, 0]

    def _transfer(self, vertices: np.ndarray) -> np.ndarray:
        transfer = light_transfer(vertices, self._vertex_normals(vertices), self.faces)
        for _ in range(2):
            transfer = self._neighbours @ transfer
        return self.at_places(transfer)

    def share(self, *regions: Region) -> np.ndarray:
        """0 to 1 (G,), soft at the regions' edges."""
        inside = np.isin(self._regions, regions).astype(np.float32)
        around = self._incidence @ np.stack([inside, np.ones_like(inside)], axis=1)
        return self.at_places(around[:, :1] / np.maximum(around[:, 1:], 1))[:, 0]

    def curve(self, line: np.ndarray) -> Curve:
        """Where places lie beside a line (n, 3) of the left half."""
        return beside(self.mirrored, line)

    @cached_property
    def azimuth(self) -> np.ndarray:
        """About the skull's vertical axis: 0 in front, π/2 on the left (G,)."""
        away = self.points - CROWN
        return np.arctan2(away[:, 0], -away[:, 1])

    @cached_property
    def brow(self) -> Curve:
        marks = self.landmarks
        return self.curve(np.array([(marks[upper] + marks[lower]) / 2 for upper, lower in _BROW]))

    @cached_property
    def upper_lid(self) -> Curve:
        return self.curve(self.landmarks[list(_UPPER_LID)])

    @cached_property
    def lower_lid(self) -> Curve:
        return self.curve(self.landmarks[list(_LOWER_LID)])

    @property
    def mouth_corner(self) -> np.ndarray:
        return self.landmarks[_CORNER]

    @property
    def wing(self) -> np.ndarray:
        """Of the nose, left."""
        return self.landmarks[_WING]

    @property
    def chin(self) -> np.ndarray:
        return self.landmarks[_CHIN]

    @property
    def forehead(self) -> np.ndarray:
        """Where the hair begins."""
        return self.landmarks[_TOP]

    @cached_property
    def skin_fields(self) -> np.ndarray:
        """(G, 6): coarse mottling; see also `pores`."""
        return fields(self.points, 14, 50, 6, 11)

    @cached_property
    def pores(self) -> np.ndarray:
        """(G, 6)."""
        return fields(self.points, 3.5, 8, 6, 12)


def beside(points: np.ndarray, line: np.ndarray) -> Curve:
    """`Curve` of any points (N, 3)."""
    best = np.full(len(points), np.inf)
    along, across = np.zeros(len(points)), np.zeros(len(points))
    ways = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    for index, (start, end) in enumerate(pairwise(line)):
        run = end - start
        share = (points - start) @ run / (run @ run)
        share = np.clip(share, 0 if index else -0.5, 1 if index < len(line) - 2 else 1.5)
        off = points - start - share[:, None] * run
        away = np.linalg.norm(off, axis=1)
        nearer = away < best
        best = np.where(nearer, away, best)
        along = np.where(nearer, (ways[index] + share * (ways[index + 1] - ways[index])) / ways[-1], along)
        across = np.where(nearer, np.sign(off[:, 2]) * away, across)
    return Curve(along.astype(np.float32), across.astype(np.float32), best.astype(np.float32))


def unit(vectors: np.ndarray) -> np.ndarray:
    """(…, 3) of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _incidence(faces: np.ndarray, vertices: int) -> scipy.sparse.csr_matrix:
    rows, columns = faces.ravel(), np.repeat(np.arange(len(faces)), 3)
    return scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (vertices, len(faces)))


def _across(corners: np.ndarray) -> np.ndarray:
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _averages(faces: np.ndarray, vertices: int) -> scipy.sparse.csr_matrix:
    """Of a vertex and its neighbours (V, V)."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1], np.repeat(np.arange(vertices)[:, None], 2, axis=1)])
    joined = scipy.sparse.csr_matrix((np.ones(len(edges), np.float32), edges.T), (vertices, vertices))
    joined.data[:] = 1
    return scipy.sparse.diags(1 / np.asarray(joined.sum(axis=1))[:, 0]).astype(np.float32) @ joined


def _posed(model: FaceModel, shown: dict[str, float]) -> np.ndarray:
    expression = model.neutral.new_zeros(len(model.expression_names))
    for name, amount in shown.items():
        expression[model.expression_names.index(name)] = amount
    return model.vertices(model.neutral.new_zeros(0), expression).numpy()
