"""What a view layer may have besides the picture: how deep, where and whose each pixel is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import bpy
import numpy as np

from dgtalker_engine.wire.shot import ShotCamera

from ..head import model
from . import colours

NOTHING = 1e10
"""Depth where nothing is, metres."""

SWITCHES = (
    "use_pass_mist",
    "use_pass_position",
    "use_pass_normal",
    "use_pass_object_index",
    "use_pass_material_index",
    "use_pass_cryptomatte_object",
    "pass_cryptomatte_depth",
)
"""Properties of a view layer."""

_NEW = bpy.app.version >= (5, 0)
OBJECT_INDEX = "Object Index" if _NEW else "IndexOB"
MATERIAL_INDEX = "Material Index" if _NEW else "IndexMA"
_ALPHA = "Alpha "
_SHORT = 1e-6
_LONGEST = 63
"""Bytes of a pass's name."""
_CRYPTO = "CryptoObject"


@dataclass(frozen=True)
class Pass:
    """One that Blender is told of: its name, the letters of its channels, and its kind."""

    name: str
    channels: str
    kind: Literal["VALUE", "VECTOR", "COLOR"]


@dataclass(frozen=True)
class Share:
    """How much of each pixel, float32 (H, W), one head covers of what is seen."""

    head: bpy.types.Object
    covered: np.ndarray


def asked(layer: bpy.types.ViewLayer, scene: bpy.types.Scene) -> list[Pass]:
    """The passes of a view layer besides Combined and Depth."""
    passes = []
    if layer.use_pass_mist:
        passes.append(Pass("Mist", "Z", "VALUE"))
    if layer.use_pass_position:
        passes.append(Pass("Position", "XYZ", "VECTOR"))
    if layer.use_pass_normal:
        passes.append(Pass("Normal", "XYZ", "VECTOR"))
    if layer.use_pass_object_index:
        passes.append(Pass(OBJECT_INDEX, "X", "VALUE"))
        passes += [Pass(alpha_name(head), "X", "VALUE") for head in model.heads(scene)]
    if layer.use_pass_material_index:
        passes.append(Pass(MATERIAL_INDEX, "X", "VALUE"))
    if layer.use_pass_cryptomatte_object:
        passes += [Pass(f"{_CRYPTO}{i:02}", "RGBA", "COLOR") for i in range(_crypto_passes(layer))]
    return passes


def needs_shares(layer: bpy.types.ViewLayer) -> bool:
    """Whether a view layer asks whose each pixel is."""
    return layer.use_pass_object_index or layer.use_pass_material_index or layer.use_pass_cryptomatte_object


def alpha_name(head: bpy.types.Object) -> str:
    """The name of the pass that holds the alpha of one head."""
    return (_ALPHA + head.name).encode()[:_LONGEST].decode(errors="ignore")


def shares(pictures: Sequence[tuple[bpy.types.Object, np.ndarray, np.ndarray]]) -> list[Share]:
    """What several heads cover, each of which was rendered alone: the nearer ones hide the others.

    Args:
        pictures: heads, with alpha and depth (H, W) of each.
    """
    nearer_first = np.argsort([depth for _, _, depth in pictures], axis=0, kind="stable")
    alphas = np.stack([alpha for _, alpha, _ in pictures])
    left = np.ones_like(alphas[0])
    covered = np.zeros_like(alphas)
    for order in nearer_first:
        taken = np.take_along_axis(alphas, order[None], 0) * left
        np.put_along_axis(covered, order[None], taken, 0)
        left = left - taken[0]
    return [Share(head, part) for (head, _, _), part in zip(pictures, covered, strict=True)]


def positions(depth: np.ndarray, view: ShotCamera, before: np.ndarray | None, corner: tuple[int, int]) -> np.ndarray:
    """Where in the world what is seen lies, float32 (H, W, 3), metres; 0 where nothing is.

    Args:
        depth: planar (H, W), metres.
        view: what sees it.
        before: an affine map (4, 4) of the world that comes before `view`; None for none.
        corner: x, y of the picture's first pixel in the whole picture.
    """
    rays = _rays(depth.shape, view, corner)
    points = np.concatenate([rays[..., :2] * (1 if view.orthographic else depth[..., None]), depth[..., None]], -1)
    matrix = np.reshape(view.world_to_camera, (4, 4))
    inverse = np.linalg.inv(matrix if before is None else matrix @ before)
    world = points @ inverse[:3, :3].T + inverse[:3, 3]
    return np.where(depth[..., None] < NOTHING, world, 0).astype(np.float32)


def normals(rgba: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """Which way in the world what is seen faces, float32 (H, W, 3): as long as alpha, 0 where nothing is.

    Args:
        rgba: of a Shot that `shows_normals`, (H, W, 4).
        before: as `positions` has it.
    """
    alpha = rgba[..., 3:]
    linear = np.divide(rgba[..., :3], alpha, out=np.zeros(rgba[..., :3].shape), where=alpha > 0)
    vectors = 2 * colours.encoded(linear) - 1
    if before is not None:
        vectors = vectors @ before[:3, :3]  # of a plane: the transposed map takes it back
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (alpha * vectors / np.maximum(length, _SHORT)).astype(np.float32)


def mist(
    depth: np.ndarray, alpha: np.ndarray, view: ShotCamera, corner: tuple[int, int], world: bpy.types.World | None
) -> np.ndarray:
    """Blender's mist, float32 (H, W): 0 near, 1 far and where nothing is.

    Args:
        depth, alpha: of the picture (H, W).
        view: what sees it.
        corner: x, y of the picture's first pixel in the whole picture.
        world: whose settings say how far mist reaches; None for Blender's own.
    """
    settings: Any = world.mist_settings if world is not None else None
    start, reach, falloff = (settings.start, settings.depth, settings.falloff) if settings else (5.0, 25.0, "QUADRATIC")
    far = depth if view.orthographic else depth * np.linalg.norm(_rays(depth.shape, view, corner), axis=-1)
    linear = np.clip((far - start) / max(reach, 1e-6), 0, 1)
    value = {"QUADRATIC": linear**2, "LINEAR": linear, "INVERSE_QUADRATIC": np.sqrt(linear)}[falloff]
    return (1 - (1 - value) * alpha).astype(np.float32)


def whose(shape: tuple[int, int], found: Sequence[Share], numbers: Sequence[int]) -> np.ndarray:
    """For each pixel (H, W) the number of the head that covers most of it; 0 where heads cover less than half."""
    result = np.zeros(shape, np.float32)
    if found:
        covered = np.stack([share.covered for share in found])
        best = np.asarray(numbers, np.float32)[covered.argmax(0)]
        result = np.where(covered.sum(0) >= 0.5, best, 0).astype(np.float32)
    return result


def material_index(head: bpy.types.Object) -> int:
    """Of the first material of a head."""
    material = head.material_slots[0].material if head.material_slots else None
    return material.pass_index if material is not None else 0


def cryptomattes(layer: bpy.types.ViewLayer, shape: tuple[int, int], found: Sequence[Share]) -> dict[str, np.ndarray]:
    """Cryptomatte's passes, float32 (H, W, 4) each: two heads and their coverage, those that cover most first."""
    count = _crypto_passes(layer)
    ranks = np.zeros((*shape, 2 * count, 2), np.float32)
    if found:
        covered = np.stack([share.covered for share in found], -1)
        ids = np.array([crypto_id(share.head.name) for share in found], np.float32)
        order = np.argsort(-covered, axis=-1, kind="stable")[..., : 2 * count]
        most = np.take_along_axis(covered, order, -1)
        ranks[..., : order.shape[-1], 0] = np.where(most > 0, ids[order], 0)
        ranks[..., : order.shape[-1], 1] = most
    flat = ranks.reshape(*shape, count, 4)
    return {f"{_CRYPTO}{i:02}": flat[..., i, :] for i in range(count)}


def crypto_metadata(layer: bpy.types.ViewLayer, heads: Sequence[bpy.types.Object]) -> dict[str, str]:
    """What Cryptomatte's specification wants in a file's header."""
    name = f"{layer.name}.{_CRYPTO}"
    key = f"cryptomatte/{murmur3(name.encode()):08x}"[: len("cryptomatte/") + 7]
    manifest = {head.name: f"{int(np.float32(crypto_id(head.name)).view(np.uint32)):08x}" for head in heads}
    return {
        f"{key}/name": name,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps(manifest, separators=(",", ":")),
    }


def crypto_id(name: str) -> float:
    """The number that stands for an object's name (Friedman and Jones, Cryptomatte specification 1.2)."""
    number = murmur3(name.encode())
    exponent = number >> 23 & 255
    if exponent in (0, 255):  # no number, or one so small that it may be taken for 0
        number ^= 1 << 23
    return float(np.uint32(number).view(np.float32))


def murmur3(data: bytes) -> int:
    """MurmurHash3, 32 bits, seed 0 (Appleby)."""
    h, whole = 0, len(data) // 4 * 4
    for i in range(0, whole, 4):
        h ^= _scrambled(int.from_bytes(data[i : i + 4], "little"))
        h = (_rotated(h, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    h ^= _scrambled(int.from_bytes(data[whole:], "little")) ^ len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = ((h ^ h >> shift) * factor) & 0xFFFFFFFF
    return h ^ h >> 16


def _scrambled(k: int) -> int:
    return _rotated(k * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF


def _rotated(number: int, by: int) -> int:
    return (number << by | number >> 32 - by) & 0xFFFFFFFF


def _crypto_passes(layer: bpy.types.ViewLayer) -> int:
    return -(-layer.pass_cryptomatte_depth // 2)


def _rays(shape: tuple[int, ...], view: ShotCamera, corner: tuple[int, int]) -> np.ndarray:
    """In camera space, (H, W, 3): where each pixel looks at depth 1; for parallel rays, where they are, and 1."""
    K = np.reshape(view.K, (3, 3))
    rows, columns = np.indices(shape[:2])
    x = (columns + corner[0] + 0.5 - K[0, 2]) / K[0, 0]
    y = (rows + corner[1] + 0.5 - K[1, 2]) / K[1, 1]
    return np.stack([x, y, np.ones_like(x)], -1)
