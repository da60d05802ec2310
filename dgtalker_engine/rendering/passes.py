"""What a picture has besides its colours: how deep, where and whose each pixel is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..avatar import Avatar
from ..errors import DGTalkerError
from ..gaussians.constants import NOTHING_HIT
from ..kernels import srgb
from ..wire import PassInputs, Shot, ShotCamera, ShotFrame, ShotHead, ShotMist
from ..wire.cryptomatte import object_id
from ..wire.passes import CHANNELS, alpha_name
from .frame import SeenPicture, render_seen
from .vectors import vectors

_SHORT = 1e-6
_WHOSE = {"object_index", "material_index", "alpha", "cryptomatte"}
"""Kinds of passes that tell heads apart."""


@dataclass(frozen=True)
class Share:
    """How much of each pixel, float32 (H, W), the head of a name covers of what is seen."""

    name: str
    covered: np.ndarray


def _nobody(done: float) -> None:
    """Is told which part is done, and does not mind."""


def render_with_planes(
    shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar], tick: Callable[[float], None] = _nobody
) -> tuple[SeenPicture, dict[str, np.ndarray]]:
    """A frame's picture, and its `planes`.

    Args:
        tick: is told which part is done; what it raises ends the work.
    """
    parts = 1 + pictures_besides(shot, frame)
    picture = render_seen(shot, frame, avatars, lambda done: tick(done / parts))
    return picture, planes(shot, frame, avatars, picture, lambda done: tick((1 + done * (parts - 1)) / parts))


def pictures_besides(shot: Shot, frame: ShotFrame) -> int:
    """How many pictures are rendered for a frame's passes alone."""
    kinds = {each.kind for each in shot.passes}
    alone = len(frame.heads) if _are_rendered_alone(shot, frame) else 0
    return ("normal" in kinds) + len(frame.neighbours) * ("vector" in kinds) + alone


def planes(
    shot: Shot,
    frame: ShotFrame,
    avatars: Sequence[Avatar],
    picture: SeenPicture,
    tick: Callable[[float], None] = _nobody,
) -> dict[str, np.ndarray]:
    """The numbers of a frame's passes, float32 (H, W) or (H, W, channels), top row first, by name.

    Normals, motion, and each head alone where several are seen, are rendered besides.

    Args:
        shot: the frame's.
        avatars: in the order of `shot.avatars`.
        picture: what was rendered of the frame.
        tick: is told which part is done; what it raises ends the work.
    """
    inputs = frame.pass_inputs
    if not shot.passes or inputs is None:
        return {}
    count, drawn = pictures_besides(shot, frame), 0

    def seen(one: ShotFrame, shows_normals: bool) -> SeenPicture:
        nonlocal drawn
        before, drawn = drawn, drawn + 1
        bare = replace(shot, frames=(), passes=(), background=None, shows_normals=shows_normals)
        return render_seen(bare, one, avatars, lambda done: tick((before + done) / count))

    shape, view = picture.depth.shape, frame.camera
    corner = (shot.region or (0, 0))[:2]
    shear = np.reshape(inputs.shear, (4, 4)) if inputs.shear else None
    shares = _shares(shot, frame, inputs, picture, lambda one: seen(one, False))
    found: dict[str, np.ndarray] = {}
    for each in shot.passes:
        if each.kind == "depth":
            found[each.name] = picture.depth
        elif each.kind == "position":
            found[each.name] = positions(picture.depth, view, shear, corner)
        elif each.kind == "normal":
            found[each.name] = normals(seen(frame, True).rgba, shear)
        elif each.kind == "vector":
            before, drawn = drawn, drawn + len(frame.neighbours)
            own = len(frame.neighbours)
            found[each.name] = vectors(shot, frame, avatars, lambda done, n=own, i=before: tick((i + n * done) / count))
        elif each.kind == "mist":
            opaque = (picture.depth < NOTHING_HIT).astype(np.float32)
            alpha = picture.rgba[..., 3] if shot.background is None else opaque
            found[each.name] = mist(picture.depth, alpha, view, corner, inputs.mist)
        elif each.kind == "object_index":
            found[each.name] = whose(shape, shares, [label.object_index for label in inputs.labels])
        elif each.kind == "material_index":
            found[each.name] = whose(shape, shares, [label.material_index for label in inputs.labels])
        elif each.kind == "alpha":
            own = [share.covered for share in shares if alpha_name(share.name) == each.name]
            found[each.name] = np.stack(own).sum(0) if own else np.zeros(shape, np.float32)
        elif each.kind == "held_out":
            found[each.name] = picture.held_out
    mattes = [each.name for each in shot.passes if each.kind == "cryptomatte"]
    return found | dict(zip(mattes, cryptomattes(len(mattes), shape, shares), strict=True))


def _are_rendered_alone(shot: Shot, frame: ShotFrame) -> bool:
    is_asked = not _WHOSE.isdisjoint(each.kind for each in shot.passes)
    return is_asked and (len(frame.heads) > 1 or shot.background is not None)


def _shares(
    shot: Shot, frame: ShotFrame, inputs: PassInputs, picture: SeenPicture, seen: Callable[[ShotFrame], SeenPicture]
) -> list[Share]:
    """What each head of a frame covers, and holdouts nothing; none where nobody asks."""
    names = [label.name for label in inputs.labels]
    if not _are_rendered_alone(shot, frame):
        return [Share(name, picture.rgba[..., 3]) for name in names]
    alphas, depths = [], []
    for i, head in enumerate(frame.heads):
        moments = tuple(replace(each, heads=(_whole(each.heads[i]),)) for each in frame.subframes)
        alone = seen(replace(frame, heads=(_whole(head),), subframes=moments))
        alphas.append(alone.rgba[..., 3])
        depths.append(alone.depth)
    parts = covered(alphas, depths)
    return [
        Share(name, np.zeros_like(part) if head.holdout else part)
        for name, part, head in zip(names, parts, frame.heads, strict=True)
    ]


def _whole(head: ShotHead) -> ShotHead:
    """Holdouts hide other heads as if they were none."""
    return replace(head, holdout=False)


def covered(alphas: Sequence[np.ndarray], depths: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """What several heads cover, each of which was rendered alone: the nearer ones hide the others.

    Args:
        alphas, depths: of each head, float32 (H, W).
    """
    if not alphas:
        return []
    nearer_first = np.argsort(depths, axis=0, kind="stable")
    stacked = np.stack(alphas)
    left = np.ones_like(stacked[0])
    parts = np.zeros_like(stacked)
    for order in nearer_first:
        taken = np.take_along_axis(stacked, order[None], 0) * left
        np.put_along_axis(parts, order[None], taken, 0)
        left = left - taken[0]
    return list(parts)


def positions(depth: np.ndarray, view: ShotCamera, shear: np.ndarray | None, corner: tuple[int, int]) -> np.ndarray:
    """Where in the world what is seen lies, float32 (H, W, 3), metres; 0 where nothing is.

    Args:
        depth: planar (H, W), metres.
        view: what sees it.
        shear: `wire.PassInputs.shear`, (4, 4); None for none.
        corner: x, y of the picture's first pixel in the whole picture.
    """
    seen = depth < NOTHING_HIT
    matrix = np.reshape(view.world_to_camera, (4, 4))
    try:
        inverse = np.linalg.inv(matrix if shear is None else matrix @ shear)
    except np.linalg.LinAlgError as error:
        raise DGTalkerError("The camera's matrix has no inverse.", "Look at the camera's scale.") from error
    far = depth[seen, None]
    points = np.concatenate([_rays(seen, view, corner)[:, :2] * (1 if view.orthographic else far), far], -1)
    found = np.zeros((*depth.shape, 3), np.float32)
    found[seen] = points @ inverse[:3, :3].T + inverse[:3, 3]
    return found


def normals(rgba: np.ndarray, shear: np.ndarray | None) -> np.ndarray:
    """Which way in the world what is seen faces, float32 (H, W, 3): as long as alpha, 0 where nothing is.

    Args:
        rgba: of a Shot that `shows_normals`, (H, W, 4).
        shear: as `positions` has it.
    """
    seen = rgba[..., 3] > 0
    alpha = rgba[seen, 3:]
    vectors = 2 * srgb.encode(rgba[seen, :3] / alpha) - 1
    if shear is not None:
        vectors = vectors @ shear[:3, :3]  # of a plane: the transposed map takes it back
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found = np.zeros((*seen.shape, 3), np.float32)
    found[seen] = alpha * vectors / np.maximum(length, _SHORT)
    return found


def mist(
    depth: np.ndarray, alpha: np.ndarray, view: ShotCamera, corner: tuple[int, int], world: ShotMist
) -> np.ndarray:
    """Blender's mist, float32 (H, W): 0 near, 1 far and where nothing is.

    Args:
        depth, alpha: of the picture (H, W).
        view: what sees it.
        corner: x, y of the picture's first pixel in the whole picture.
        world: how far mist reaches.
    """
    seen = depth < NOTHING_HIT
    far = depth[seen] * (1 if view.orthographic else np.linalg.norm(_rays(seen, view, corner), axis=-1))
    linear = np.clip((far - world.start) / max(world.depth, 1e-6), 0, 1)
    value = {"QUADRATIC": linear**2, "LINEAR": linear, "INVERSE_QUADRATIC": np.sqrt(linear)}[world.falloff]
    found = np.ones(depth.shape, np.float32)
    found[seen] = 1 - (1 - value) * alpha[seen]
    return found


def whose(shape: tuple[int, ...], shares: Sequence[Share], numbers: Sequence[int]) -> np.ndarray:
    """For each pixel (H, W) the number of the head that covers most of it; 0 where heads cover less than half."""
    result = np.zeros(shape, np.float32)
    if shares:
        parts = np.stack([share.covered for share in shares])
        best = np.asarray(numbers, np.float32)[parts.argmax(0)]
        result = np.where(parts.sum(0) >= 0.5, best, 0).astype(np.float32)
    return result


def cryptomattes(count: int, shape: tuple[int, ...], shares: Sequence[Share]) -> list[np.ndarray]:
    """Cryptomatte's passes, float32 (H, W, 4) each: two heads and their coverage, those that cover most first."""
    ranks = np.zeros((*shape, 2 * count, 2), np.float32)
    if shares:
        parts = np.stack([share.covered for share in shares], -1)
        ids = np.array([object_id(share.name) for share in shares], np.float32)
        order = np.argsort(-parts, axis=-1, kind="stable")[..., : 2 * count]
        most = np.take_along_axis(parts, order, -1)
        ranks[..., : order.shape[-1], 0] = np.where(most > 0, ids[order], 0)
        ranks[..., : order.shape[-1], 1] = most
    flat = ranks.reshape(*shape, count, CHANNELS["cryptomatte"])
    return [np.ascontiguousarray(flat[..., i, :]) for i in range(count)]


def _rays(seen: np.ndarray, view: ShotCamera, corner: tuple[int, int]) -> np.ndarray:
    """In camera space, (N, 3): where each of the pixels that (H, W) marks looks at depth 1; for parallel rays, where
    they are, and 1."""
    K = np.reshape(view.K, (3, 3))
    rows, columns = np.nonzero(seen)
    x = (columns + corner[0] + 0.5 - K[0, 2]) / K[0, 0]
    y = (rows + corner[1] + 0.5 - K[1, 2]) / K[1, 1]
    return np.stack([x, y, np.ones_like(x)], -1)
