"""The pictures of a character: its meshes in every pose, handed to Blender, and what comes back."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DGTalkerError
from ...gaussians.camera import Camera
from ...kernels import srgb
from ..sculpture.anatomy import EYE_CORNERS, LID_RADIUS, MOUTH_HALF_WIDTH, eye_polar, lid_edges, slit_z
from ..sculpture.build import SEED, forms, gather
from ..sculpture.character import Character
from ..sculpture.deform import CORRECTIVES, MIX, POSES, RIG
from ..sculpture.deform import posed as displacement
from ..sculpture.light import linear
from ..sculpture.paint import lip_colour, near_brows, skin_albedo
from ..sculpture.splats import MM, field_points
from ..sculpture.surfels import Surfels, smooth
from ..sculpture.warp import Warp
from . import meshes
from .meshes import Sheet, Strands
from .views import FacePose

LOOK = {"pores": 0.10, "roughness": 0.50, "lip_gloss": 0.45, "scatter": 0.0035}


@dataclass(frozen=True)
class Picture:
    """One picture of Cycles: premultiplied sRGB float32 (H, W, 3) and alpha (H, W), and from where it was taken."""

    pose: FacePose
    camera: Camera
    rgb: np.ndarray
    alpha: np.ndarray


def cycles_parts(character: Character, seed: int = SEED) -> tuple[list[Sheet | Strands], np.ndarray]:
    """Everything of a head that Cycles sees, at rest, in the space of the sculpture; and for each Gaussian of
    `build_head` how much of a fit to the pictures it takes (N,)."""
    form, style = forms(character)
    locks = style.form
    groups = gather(character, form, style, np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1)
    sheets = meshes.skin(form, locks, rng) + meshes.insides(character)
    for sheet in sheets:
        if sheet.material == "skin":
            sheet.surfels.albedo = skin_albedo(sheet.surfels.position, character)
    hair = groups["hair"]
    wisp = hair.size[:, 0] > 6 * hair.size[:, 1]
    surface = hair.select(~wisp & (hair.opacity > 0.3))
    sheets.append(meshes.hair_cap(locks, form, surface))
    strands = [
        meshes.hair_strands(locks, surface, style.tied(surface.position) > 0.5, rng),
        meshes.needles("hair", hair.select(wisp)),
        meshes.needles(
            "lash", Surfels.join([groups[name] for name in ("lashes", "brows", "moustache") if name in groups])
        ),
    ]
    return [*sheets, *strands], np.concatenate(
        [_adjustable(name, surfels, character) for name, surfels in groups.items()]
    )


def _adjustable(name: str, surfels: Surfels, character: Character) -> np.ndarray:
    """Eyes, lashes, brows and mouth are painted to be read from afar; a fit would dim them. The skin passes over into
    them beside the lashes, beneath brows and where the lips meet, or it would make up for what they do not show."""
    if name not in ("skin", "lining", "collar", "hair"):
        return np.zeros(len(surfels))
    if name not in ("skin", "lining"):
        return np.ones(len(surfels))
    place = surfels.position * np.where(surfels.position[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    brows = near_brows(place, character.brows)
    if name == "lining":  # an open mouth shows it from within, as no picture does
        reach = np.hypot(np.maximum(place[:, 0] - MOUTH_HALF_WIDTH, 0), place[:, 2] - slit_z(place[:, 0]))
        return smooth(12.0, 24.0, np.where(place[:, 1] < -45, reach, 99.0)) * (1 - brows)
    corner = smooth(4.0, 11.0, np.linalg.norm(place - meshes.LIP_CORNER, axis=1))
    azimuth, elevation, radius = eye_polar(place)
    lower, upper = lid_edges(azimuth)
    gap = np.maximum(np.maximum(elevation - upper, lower - elevation), np.abs(azimuth) - EYE_CORNERS[1]) * LID_RADIUS
    lids = smooth(0.8, 5.0, np.where(radius < LID_RADIUS + 6, gap, 99.0))
    lips = smooth(0.8, 3.5, np.where(place[:, 1] < -70, np.abs(place[:, 2] - slit_z(place[:, 0])), 99.0))
    beside = place[:, 0] > MOUTH_HALF_WIDTH
    return lids * np.where(beside, 1.0, lips) * corner * (1 - brows)


def posed(surfels: Surfels, warp: Warp, weights: dict[str, float]) -> np.ndarray:
    """Where the surfels are at these weights, metres in head space: as the rig has it, without what joints turn."""
    values = {name: weights.get(name, 0.0) for name in RIG.names}
    blocks = [*values.values(), *(math.prod(values[name] for name in names) for names in CORRECTIVES)]
    points = field_points(surfels)
    rest = warp.move(surfels.position, surfels.part)
    position = rest.copy()
    for pose, weight in zip(POSES, np.array(blocks) @ MIX, strict=True):
        if weight:
            position += weight * (warp.move(surfels.position + displacement(pose, points), surfels.part) - rest)
    return position * MM


def render_pictures(
    everything: list[Sheet | Strands],
    warp: Warp,
    *,
    blender: Path,
    folder: Path,
    shots: list[tuple[FacePose, Camera]],
    samples: int,
    progress: Callable[[int], None],
) -> list[Picture]:
    """Renders the shots with Cycles.

    Args:
        everything: what `cycles_parts` made.
        warp: to the character's space.
        blender: a Python that has bpy.
        folder: for what is handed to and fro.
        shots: poses and cameras, those of one pose one after another.
        samples: of each pixel.
        progress: is told how many pictures there are.

    Raises:
        DGTalkerError: Blender could not render.
    """
    folder.mkdir(parents=True, exist_ok=True)
    poses: dict[str, dict] = {}
    rest: dict[int, np.ndarray] = {}
    for index, (pose, camera) in enumerate(shots):
        if pose.name not in poses:
            poses[pose.name] = {"parts": _write_parts(folder, pose, warp, everything, rest), "views": []}
        poses[pose.name]["views"].append(
            {
                "name": f"view_{index:03d}",
                "width": camera.width,
                "height": camera.height,
                "focal": float(camera.K[0, 0]),
                "world_to_camera": camera.world_to_camera.tolist(),
            }
        )
    job = {"samples": samples, "look": LOOK, "poses": list(poses.values())}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    command = [str(blender), str(Path(__file__).with_name("scene.py")), str(folder)]
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace") as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("rendered "):
                done += 1
                progress(done)
    if process.returncode or done < len(shots):
        raise DGTalkerError(
            f"Blender rendered {done} of {len(shots)} pictures and ended with exit code {process.returncode}.",
            "Its messages are above.",
        )
    return [_picture(folder / f"view_{i:03d}.npy", pose, camera) for i, (pose, camera) in enumerate(shots)]


def _write_parts(
    folder: Path, pose: FacePose, warp: Warp, everything: list[Sheet | Strands], rest: dict[int, np.ndarray]
) -> list[dict]:
    """One file for each part; parts that this pose does not move share the file of the pose before."""
    written = []
    for index, part in enumerate(everything):
        vertices = posed(part.surfels, warp, pose.weights)
        moves = index not in rest or not np.array_equal(vertices, rest[index])
        name = f"{pose.name}_{index:02d}.npz" if moves else f"rest_{index:02d}.npz"
        if moves:
            arrays: dict[str, Any] = {
                "vertices": vertices.astype(np.float32),
                "albedo": linear(part.surfels.albedo).astype(np.float32),
            }
            if isinstance(part, Strands):
                arrays |= {"radius": (part.radius * MM).astype(np.float32), "steps": np.array(part.steps)}
            else:
                wet = lip_colour(part.surfels.position) if part.material == "skin" else np.zeros(len(part.surfels))
                arrays |= {"faces": part.faces.astype(np.int32), "wet": wet.astype(np.float32)}
            np.savez(folder / name, **arrays)
        if not pose.weights:
            rest[index] = vertices
        written.append({"file": name, "material": part.material, "strands": isinstance(part, Strands)})
    return written


def _picture(path: Path, pose: FacePose, camera: Camera) -> Picture:
    rgba = np.load(path).astype(np.float32)
    alpha = np.clip(rgba[..., 3], 0, 1)
    straight = np.clip(rgba[..., :3] / np.maximum(alpha, 1e-4)[..., None], 0, 1)
    return Picture(pose, camera, (srgb.encode(straight) * alpha[..., None]).astype(np.float32), alpha)
