"""The sculpture as dense meshes and strands for Cycles. Millimetres, in the space of the sculpture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..sculpture import clothes, eyes, face, mesh, mouth, sdf
from ..sculpture.anatomy import EAR, EYE_CORNERS, MOUTH_HALF_WIDTH, NECK_END, in_eye_opening, slit_y, slit_z
from ..sculpture.character import Character
from ..sculpture.surfels import Part, Surfels, make, unit
from .surface_nets import surface_net

EAR_BOX = ((60.0, -30.0, -50.0), (108.0, 52.0, 52.0))
LIP_CORNER = np.array([MOUTH_HALF_WIDTH, *(slit(np.array(MOUTH_HALF_WIDTH)) for slit in (slit_y, slit_z))])
UNDER = 2.5  # mm
HAIR_BOX = ((-118.0, -118.0, -80.0), (118.0, 125.0, 176.0))


@dataclass
class Sheet:
    """A mesh of one material: its vertices, and faces (F, 4) with -1 in the last place of a triangle."""

    material: str
    surfels: Surfels
    faces: np.ndarray


@dataclass
class Strands:
    """Hairs of one material, each of `steps` points, one after another; radii (N,) in mm."""

    material: str
    surfels: Surfels
    radius: np.ndarray
    steps: int


def skin(form: np.ndarray, hair_form: np.ndarray, rng: np.random.Generator) -> list[Sheet]:
    """The skin, open at eyes and mouth, without ears; and the ears, which stand on it."""
    rows = {row.tobytes() for row in EAR}
    bald = np.stack([row for row in form if row.tobytes() not in rows])

    def spacing(points: np.ndarray) -> np.ndarray:
        near = face.skin_spacing(points, hair_form)
        wide = np.clip(np.where(near > 0, 2.0 * near + 0.7, 6.0), 2.0, 6.0)
        return np.where(in_eye_opening(points) | (points[:, 2] < NECK_END), 0, wide)

    vertices, triangles, side = mesh.surface(bald, spacing, rng, fine=3)
    for _ in range(2):
        vertices, triangles, side = _subdivided(bald, vertices, triangles, side)
    head = _skin_surfels(bald, vertices, side)
    triangles = np.concatenate([triangles, np.full((len(triangles), 1), -1)], axis=1)
    ear, quads = surface_net(form, EAR_BOX, 0.8)
    stands_out = sdf.distances(bald, ear) > 0.04
    kept = stands_out[quads].all(axis=1)
    left = _skin_surfels(form, ear, np.nan)
    ears = [Sheet("skin", left, quads[kept]), Sheet("skin", left.mirrored(), quads[kept][:, ::-1])]
    return [Sheet("skin", head, triangles), *ears]


def _skin_surfels(form: np.ndarray, vertices: np.ndarray, side: np.ndarray | float) -> Surfels:
    return make(vertices, sdf.normals(form, vertices), 1.0, Part.SKIN, side=side)


def _subdivided(
    form: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, side: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each triangle in four; new vertices are laid onto the form, but for those on open edges."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2).reshape(-1, 2)
    unique, index, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    middle = vertices[unique].mean(axis=1)
    inner = count > 1
    on = middle[inner]
    for _ in range(3):
        on = on - sdf.distances(form, on)[:, None] * sdf.normals(form, on)
    # what an edge across the groove between the lips lays on its other side folds, most of all at their corners
    away = on - middle[inner]
    long = np.linalg.norm(vertices[unique[inner, 0]] - vertices[unique[inner, 1]], axis=1)
    corner = np.linalg.norm(np.abs(middle[inner]) * [1, 0, 0] + middle[inner] * [0, 1, 1] - LIP_CORNER, axis=1) < 8
    most = np.where(corner, 0.1, 0.5) * long / np.maximum(np.linalg.norm(away, axis=1), 1e-9)
    middle[inner] += away * np.minimum(1, most)[:, None]
    middle[np.abs(vertices[unique, 0]).max(axis=1) < 1e-9, 0] = 0
    a, b, c = triangles.T
    ab, bc, ca = (index.reshape(-1, 3) + len(vertices)).T
    smaller = np.concatenate([np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    ends = side[unique]
    sides = np.concatenate([side, np.where(np.isnan(ends[:, 0]), ends[:, 1], ends[:, 0])])
    return np.concatenate([vertices, middle]), smaller, sides


def insides(character: Character) -> list[Sheet]:
    """Lid edges, inner lips, teeth, tongue, cavity, eyes and their lights, and collar."""
    azimuth = np.linspace(*EYE_CORNERS, 97)
    x, depth = np.linspace(0, MOUTH_HALF_WIDTH - 1.4, 40), np.linspace(0.2, 13.5, 20)
    grids = [(face.lid_rim(above, azimuth, 7, character.skin), (7, 97), False, "lid") for above in (True, False)]
    grids += [(face.inner_lip(above, x, depth, character.skin), (20, 40), False, "wet") for above in (True, False)]
    for upper in (True, False):
        grids.append((mouth.teeth(upper, 0.4, 0.4), mouth.teeth_shape(upper, 0.4, 0.4), False, "teeth"))
    grids.append((eyes.eyeball_grid(character.eyes, 90, 128), (90, 128), True, "eye"))
    grids.append((eyes.caruncles(character.skin), (8, 13), False, "wet"))
    sheets = [catch_lights()]
    for surfels, shape, closed, material in grids:
        surfels = surfels.select(np.arange(shape[0] * shape[1]))
        quads = _outwards(surfels, mesh.grid_faces(*shape, closed))
        sheets += [Sheet(material, surfels, quads), Sheet(material, surfels.mirrored(), quads[:, ::-1])]
    for surfels, material in ((mouth.tongue_grid(40, 60), "wet"), (mouth.cavity_grid(40, 60), "cavity")):
        sheets.append(Sheet(material, surfels, _outwards(surfels, mesh.grid_faces(40, 60, True))))
    for surfels, shape in clothes.cloth_grids(character.clothes, 720, 40):
        sheets.append(Sheet("cloth", surfels, _outwards(surfels, mesh.grid_faces(*shape, True))))
    return sheets


def catch_lights() -> Sheet:
    """The lights on the eyes as small bright plates, one for each ring of discs."""
    discs = eyes.catch_lights()
    rings = discs.position.reshape(-1, 7, 3)
    discs.position = (rings[:, :1] + 1.6 * (rings - rings[:, :1])).reshape(-1, 3)
    discs.albedo = discs.albedo * discs.opacity[:, None]
    plate = np.array([[0, i, i % 6 + 1, -1] for i in range(1, 7)])
    faces = np.concatenate([plate + np.array([7, 7, 7, 0]) * i for i in range(len(rings))])
    return Sheet("glow", discs, faces)


def _outwards(surfels: Surfels, quads: np.ndarray) -> np.ndarray:
    """The quads, all turned where that makes more of them face along the normals."""
    corner = surfels.position[quads]
    facing = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    return quads if (facing * surfels.normal[quads].mean(axis=1)).sum() > 0 else quads[:, ::-1]


def hair_cap(form: np.ndarray, skin_form: np.ndarray, discs: Surfels) -> Sheet:
    """The locks' surface where it stands clear of the skin, a little darker than the strands on it."""
    vertices, quads = surface_net(form, HAIR_BOX, 1.6)
    clear = sdf.distances(skin_form, vertices) > -1.2
    quads = quads[clear[quads].all(axis=1)]
    used, index = np.unique(quads, return_inverse=True)
    surfels = make(vertices[used], sdf.normals(form, vertices[used]), 1.0, Part.HAIR)
    _, near = KDTree(discs.position).query(surfels.position, k=4)
    surfels.albedo = discs.albedo[near].mean(axis=1) * 1.15
    return Sheet("hair_cap", surfels, index.reshape(quads.shape))


def hair_strands(form: np.ndarray, discs: Surfels, tied: np.ndarray, rng: np.random.Generator) -> Strands:
    """Strands that start at the discs of the hair's surface and follow their direction over it; those of the hair go
    beneath the ribbon (`tied`, (N,) of the discs), and the ribbon's beneath the hair."""
    steps, stride = 7, 3.4
    tree = KDTree(discs.position)
    place = discs.position + 0.15 * discs.normal
    heading = discs.along
    lines, normals = [place], [discs.normal]
    lift = 0.35 + 0.5 * rng.random((len(discs), 1))
    for step in range(1, steps):
        place = place + stride * heading
        normal = sdf.normals(form, place)
        along = step / (steps - 1)
        _, near = tree.query(place, k=6)
        above = np.where(
            tied == tied[near[:, 0]],  # pyright: ignore[reportIndexIssue] (k makes it an array)
            lift[:, 0],
            -UNDER,
        )[:, None]
        place = place - (sdf.distances(form, place)[:, None] - above * (0.4 + 1.2 * along)) * normal
        around = discs.along[near]
        around = around * np.sign((around * heading[:, None]).sum(axis=2, keepdims=True))
        heading = unit(0.4 * heading + 0.6 * around.mean(axis=1))
        heading = unit(heading - 0.8 * (heading * normal).sum(axis=1, keepdims=True) * normal)
        lines.append(place)
        normals.append(normal)
    position = np.stack(lines, axis=1).reshape(-1, 3)
    bright = 1.2 + 0.2 * rng.random((len(discs), 1))
    albedo = np.repeat(np.clip(discs.albedo * bright, 0, 1), steps, axis=0)
    surfels = make(position, np.stack(normals, axis=1).reshape(-1, 3), 1.0, Part.HAIR, albedo=albedo)
    radius = np.tile(0.55 * (1 - np.linspace(0, 1, steps) ** 2.5) + 0.02, len(discs))
    return Strands("hair", surfels, radius, steps)


def needles(material: str, hairs: Surfels) -> Strands:
    """A short hair, thick in the middle, in place of every long disc; overlapping ones make up longer hairs."""
    reach = np.array([-1.7, -0.6, 0.6, 1.7])
    ends = hairs.size[:, 0, None, None] * reach[None, :, None] * hairs.along[:, None]
    rows = np.repeat(np.arange(len(hairs)), len(reach))
    surfels = hairs.select(rows)
    surfels.position = (hairs.position[:, None] + ends).reshape(-1, 3)
    radius = (hairs.size[:, 1:] * np.array([0.25, 1.15, 1.15, 0.25])).ravel()
    return Strands(material, surfels, radius, len(reach))
