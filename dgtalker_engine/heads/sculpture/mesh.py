"""The proxy mesh: the head's outermost surface, triangulated, with lid edges, inner lips, eyes, teeth and tongue."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import Delaunay, KDTree

from ...avatar.base import ProxyMesh
from . import clothes, eyes, face, mouth, paint, sdf
from .anatomy import (
    EYE_CORNERS,
    LID_RADIUS,
    MOUTH_HALF_WIDTH,
    NECK_END,
    eye_point,
    eye_polar,
    in_eye_opening,
    lid_edges,
    slit_y,
    slit_z,
)
from .character import Character
from .deform import CORRECTIVES, MIX, POSES, posed
from .hairstyles import HairStyle
from .light import linear
from .sample import on_surface, thin
from .splats import MM, field_points
from .surfaces import surfaces_of
from .surfels import Part, Surfels, make, smooth
from .warp import Warp

SPINE = (-75.0, 30.0)  # heights between which the chart is a cylinder; half spheres beyond
SPINE_Y = 5.0
RADIUS = 80.0
Faces = np.ndarray


def chart(points: np.ndarray) -> np.ndarray:
    """(N, 2): the head's surface laid flat about the crown, angles kept (Mercator between two stereographic caps)."""
    x, y, z = points[:, 0], points[:, 1] - SPINE_Y, points[:, 2]
    foot = np.clip(z, *SPINE)
    flat = np.maximum(np.hypot(x, y), 1e-9)
    elevation = np.arctan2(z - foot, flat)
    scale = np.exp((SPINE[1] - foot) / RADIUS) * np.tan((np.pi / 2 - elevation) / 2)
    return np.stack([x / flat, y / flat], axis=1) * scale[:, None]


def outermost(form: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether nothing of the form lies further out along the chart's rays."""
    return np.linalg.norm(_hits(form, points) - points, axis=1) < 0.6


def _hits(form: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where the rays of the chart that pass through `points` (N, 3) leave the form."""
    foot = np.stack([0 * points[:, 0], 0 * points[:, 0] + SPINE_Y, np.clip(points[:, 2], *SPINE)], axis=1)
    ray = points - foot
    length = np.linalg.norm(ray, axis=1, keepdims=True)
    return sdf.cast(form, foot, ray / length, 240.0)


def surface(
    form: np.ndarray, spacing: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator, fine: int = 1
) -> tuple[np.ndarray, Faces, np.ndarray]:
    """Vertices (V, 3), triangles (F, 3) and lip sides (V,) of the outermost surface, open at eyes and mouth.

    The edges of the openings have `fine` times as many vertices as the proxy's.
    """
    azimuth = np.linspace(*EYE_CORNERS, 32 * fine + 1)
    low, high = lid_edges(azimuth)
    eye_loop = np.concatenate([eye_point(azimuth, high, LID_RADIUS), eye_point(azimuth[1:-1], low[1:-1], LID_RADIUS)])
    x = np.linspace(0, MOUTH_HALF_WIDTH, 20 * fine + 1)
    slit = np.stack([x, slit_y(x), slit_z(x)], axis=1)
    # the line runs within the lips, and comes out to the skin where they end: else there would be pits beside them
    slit += smooth(0.72, 0.97, x / MOUTH_HALF_WIDTH)[:, None] * (_hits(form, slit) - slit)
    middle = _middle_line(form, spacing)
    box = ((0.0, -125.0, NECK_END), (118.0, 112.0, 176.0))
    free, _, wanted = on_surface(form, box, spacing, 2.0, rng)
    fixed = np.concatenate([eye_loop, slit, middle])
    gap, _ = KDTree(fixed).query(free)
    free = free[(gap > 0.62 * wanted) & outermost(form, free)]
    half = np.concatenate([fixed, free])
    flat = chart(half)
    triangles = Delaunay(flat).simplices.astype(np.int64)
    a, b, c = flat[triangles].transpose(1, 0, 2)
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    # seen from the crown, the chart shows the surface from outside
    triangles = np.where(turned[:, None] < 0, triangles[:, ::-1], triangles)[np.abs(turned) > 1e-9]
    # beside the corners of the eye the nose comes forward into the same directions, yet not between the loop's points
    in_eye = (triangles < len(eye_loop)).all(axis=1) & _within_loop(half[triangles].mean(axis=1))
    triangles = triangles[~in_eye]
    return _mirror(*_cut_slit(half, triangles, np.arange(len(eye_loop), len(eye_loop) + len(slit))))


def _within_loop(centre: np.ndarray) -> np.ndarray:
    azimuth, elevation, radius = eye_polar(centre)
    low, high = lid_edges(azimuth)
    inside = (azimuth > EYE_CORNERS[0]) & (azimuth < EYE_CORNERS[1])
    return inside & (radius < LID_RADIUS + 3) & (elevation < high) & (elevation > low) & in_eye_opening(centre)


def _middle_line(form: np.ndarray, spacing: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Points on the plane of symmetry, from throat over the crown to the nape."""
    rays = []
    for sign in (-1.0, 1.0):
        below = np.radians(np.linspace(-76, 0, 152, endpoint=False))  # down to the neck's end
        above = np.radians(np.linspace(0, 90, 140))
        heights = np.linspace(*SPINE, 400)
        foot = np.concatenate([0 * below + SPINE[0], heights, 0 * above + SPINE[1]])
        elevation = np.concatenate([below, 0 * heights, above])
        rays.append((foot, elevation, np.full(len(foot), sign)))
    foot, elevation, sign = np.concatenate(rays, axis=1)
    origins = np.stack([0 * foot, 0 * foot + SPINE_Y, foot], axis=1)
    directions = np.stack([0 * foot, sign * np.cos(elevation), np.sin(elevation)], axis=1)
    hits = sdf.cast(form, origins, directions, 240.0)
    hits = hits[(hits[:, 2] > NECK_END) & (np.linalg.norm(hits - [0, slit_y(np.zeros(1))[0], -62], axis=1) > 1.2)]
    return hits[thin(hits, np.maximum(spacing(hits), 1.0))] * [0.0, 1.0, 1.0]


def _cut_slit(half: np.ndarray, triangles: Faces, slit: np.ndarray) -> tuple[np.ndarray, Faces, np.ndarray]:
    """Gives the triangles below the line between the lips vertices of their own; the corner stays joined."""
    inner = slit[:-1]
    copies = np.full(len(half), -1)
    copies[inner] = len(half) + np.arange(len(inner))
    centre = half[triangles].mean(axis=1)
    below = centre[:, 2] < slit_z(centre[:, 0])
    lower = copies[triangles]
    triangles = np.where((lower >= 0) & below[:, None], lower, triangles)
    side = np.full(len(half) + len(inner), np.nan)
    side[inner], side[copies[inner]] = 1.0, 0.0
    return np.concatenate([half, half[inner]]), triangles, side


def _mirror(half: np.ndarray, triangles: Faces, side: np.ndarray) -> tuple[np.ndarray, Faces, np.ndarray]:
    count = len(half)
    other = np.arange(count) + count
    joined = np.abs(half[:, 0]) < 1e-9
    other[joined] = np.flatnonzero(joined)
    kept = np.flatnonzero(~joined)
    place = np.empty(2 * count, np.int64)
    place[:count] = np.arange(count)
    place[kept + count] = count + np.arange(len(kept))
    vertices = np.concatenate([half, half[kept] * [-1.0, 1.0, 1.0]])
    faces = np.concatenate([triangles, place[other[triangles]][:, ::-1]])
    return vertices, faces, np.concatenate([side, side[kept]])


def grid_faces(rows: int, columns: int, closed: bool = False) -> Faces:
    """Quads (F, 4) of a grid whose vertices run along the columns first."""
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(rows - 1), np.arange(columns - (not closed)), indexing="ij"))
    k = (j + 1) % columns
    return np.stack([i * columns + j, i * columns + k, (i + 1) * columns + k, (i + 1) * columns + j], axis=1)


def build(
    character: Character,
    skin_form: np.ndarray,
    style: HairStyle,
    splats: Surfels,
    warp: Warp,
    rng: np.random.Generator,
) -> tuple[ProxyMesh, Surfels]:
    """The proxy, and its vertices as surfels in the sculpture's space.

    It is coloured like the Gaussians next to it, but without the light on them: Blender lights it.
    """
    hair_form = style.form[: style.scalp]
    form = sdf.union(skin_form, hair_form)

    def spacing(points: np.ndarray) -> np.ndarray:
        near = face.skin_spacing(points, hair_form)
        fine = np.where(near > 0, 2.0 * near + 0.7, 6.0)
        hairline = np.maximum(np.abs(sdf.distances(skin_form, points)), np.abs(sdf.distances(hair_form, points))) < 1.5
        brow = paint.under_brows(points, character.brows) > 0
        fine = np.where(hairline | brow, np.minimum(fine, 2.8), np.maximum(fine, 2.0))
        return np.where(in_eye_opening(points) | (points[:, 2] < NECK_END), 0, np.minimum(fine, 6.0))

    vertices, triangles, side = surface(form, spacing, rng)
    # the hair is not symmetric: where either side of it has a part in the mirrored half, that half is laid on it anew
    hits = _hits(form, vertices)
    places = (hits, vertices, vertices * [-1.0, 1.0, 1.0])
    hairy = np.min([sdf.distances(hair_form, place) for place in places], axis=0) < 2.0
    again = hairy & (not style.mirrored) & (vertices[:, 0] < 0) & (np.linalg.norm(hits - vertices, axis=1) > 0.2)
    vertices[again] = hits[again]
    clear = sdf.distances(skin_form, vertices)
    normal = sdf.normals(form, vertices)
    head = make(vertices, normal, 1.0, Part.SKIN, side=side)
    head.part[clear > 0.4] = int(Part.HAIR)
    sets: list[tuple[Surfels, Faces]] = [(head, np.concatenate([triangles, np.full((len(triangles), 1), -1)], axis=1))]
    sets += _sheets(character)
    if style.ball is not None:
        sets += _balls(style, style.ball)
    offset, faces = 0, []
    for surfels, quads in sets:
        faces.append(np.where(quads < 0, -1, quads + offset))
        offset += len(surfels)
    surfels = Surfels.join([surfels for surfels, _ in sets])
    surfels.albedo = _albedo(surfels, splats)
    surfaces = surfaces_of(np.concatenate(faces), surfels, character)
    field = field_points(surfels)
    rest = warp.move(surfels.position, surfels.part)
    moved = (warp.move(surfels.position + posed(pose, field), surfels.part) for pose in POSES)
    deltas = np.tensordot(MIX, np.stack([place - rest for place in moved]), 1) * MM
    flat = chart(surfels.position)
    uv = 0.5 + 0.5 * flat / np.abs(flat).max()
    colours = np.concatenate([linear(surfels.albedo), np.ones((len(surfels), 1))], axis=1)
    proxy = ProxyMesh(
        vertices=(rest * MM).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        uv=uv.astype(np.float32),
        colours=colours.astype(np.float32),
        deltas=deltas.astype(np.float32),
        correctives=CORRECTIVES,
        surfaces=surfaces,
    )
    return proxy, surfels


def _balls(style: HairStyle, middle: np.ndarray) -> list[tuple[Surfels, Faces]]:
    """The outer surface of hair that stands off the head in a ball on either side."""
    down, turn = np.meshgrid(np.linspace(0.02, np.pi - 0.02, 22), np.arange(32) * 2 * np.pi / 32, indexing="ij")
    away = np.stack([np.sin(down) * np.cos(turn), np.sin(down) * np.sin(turn), np.cos(down)], axis=-1).reshape(-1, 3)
    form = style.form[style.scalp :]
    place = sdf.cast(form, np.tile(middle, (len(away), 1)), away, 70.0)
    surfels, quads = make(place, sdf.normals(form, place), 1.0, Part.HAIR), grid_faces(22, 32, True)[:, ::-1]
    return [(surfels, quads), (surfels.mirrored(), quads[:, ::-1])]


def _sheets(character: Character) -> list[tuple[Surfels, Faces]]:
    """Everything but the outer surface: grids, each with its mirror image."""
    grids = [
        (face.lid_rim(True, np.linspace(*EYE_CORNERS, 33), 4, character.skin), (4, 33), False),
        (face.lid_rim(False, np.linspace(*EYE_CORNERS, 33), 4, character.skin), (4, 33), False),
        (
            face.inner_lip(True, np.linspace(0, MOUTH_HALF_WIDTH, 16), np.linspace(0, 13, 6), character.skin),
            (6, 16),
            False,
        ),
        (
            face.inner_lip(False, np.linspace(0, MOUTH_HALF_WIDTH, 16), np.linspace(0, 13, 6), character.skin),
            (6, 16),
            False,
        ),
        (mouth.teeth(True, 1.7, 1.7), mouth.teeth_shape(True, 1.7, 1.7), False),
        (mouth.teeth(False, 1.7, 1.7), mouth.teeth_shape(False, 1.7, 1.7), False),
        (eyes.eyeball_grid(character.eyes, 20, 32), (20, 32), True),
    ]
    sheets = []
    for surfels, shape, closed in grids:
        quads = grid_faces(*shape, closed)
        corner = surfels.position[quads]
        facing = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
        outwards = (facing * surfels.normal[quads].mean(axis=1)).sum() > 0
        quads = quads if outwards else quads[:, ::-1]
        sheets += [(surfels, quads), (surfels.mirrored(), quads[:, ::-1])]
    sheets.append((mouth.tongue_grid(14, 20), grid_faces(14, 20, True)))
    for surfels, shape in clothes.cloth_grids(character.clothes, 48, 12):
        sheets.append((surfels, grid_faces(*shape, True)))
    return sheets


def _albedo(surfels: Surfels, splats: Surfels) -> np.ndarray:
    """sRGB (V, 3): the mean of the nearest discs of the same part."""
    albedo = surfels.albedo.copy()
    for part in np.unique(surfels.part):
        here = surfels.part == part
        there = splats.select((splats.part == part) & (splats.opacity > 0.5))
        distance, index = KDTree(there.position).query(surfels.position[here], k=6)
        weight = 1 / (distance + 0.3) ** 2
        weight /= weight.sum(axis=1, keepdims=True)
        albedo[here] = (there.albedo[index] * weight[:, :, None]).sum(axis=1)
    return albedo
