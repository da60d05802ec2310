"""Frames of a Shot to pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..avatar import Avatar
from ..avatar.refiner import recoloured
from ..gaussians import Camera, Gaussians, render_scene_linear
from ..gaussians.colour import to_scene_linear
from ..gaussians.constants import NOTHING_HIT
from ..gaussians.placement import placement_of
from ..gaussians.transform import merged, placed
from ..wire import Shot, ShotCamera, ShotFrame, ShotSubframe
from . import holdouts, refining
from .carrying import carried_by_mesh
from .exposure import Layers, Moment, exposed
from .lighting import coloured_by_normals, lit
from .occlusion import hidden_part

Picture = tuple[np.ndarray, np.ndarray]
"""Premultiplied scene-linear Rec.709 RGBA float32 (H, W, 4), top row first, and planar depth float32 (H, W) in metres,
1e10 where no head is."""


class SeenPicture(NamedTuple):
    """A `Picture` of heads, and what hides them.

    Attributes:
        rgba, depth: of what is left to be seen.
        hidden: float32 (H, W), the part of each pixel that a mesh hides of the heads; 0 where no head is.
        held_out: float32 (H, W), what heads that are holdouts cover of each pixel.
    """

    rgba: np.ndarray
    depth: np.ndarray
    hidden: np.ndarray
    held_out: np.ndarray


def _nobody(done: float) -> None:
    """Is told which part is done, and does not mind."""


def render_frame(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> Picture:
    """Poses and places every head of a frame and renders them together.

    Args:
        shot: the frame's shot.
        frame: one of its frames.
        avatars: in the order of `shot.avatars`.

    Returns:
        The picture of the shot's region.
    """
    picture = render_seen(shot, frame, avatars)
    return picture.rgba, picture.depth


def render_seen(
    shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar], tick: Callable[[float], None] = _nobody
) -> SeenPicture:
    """`render_frame`, with what meshes hide.

    Args:
        tick: is told which part is done; what it raises ends the work.
    """
    (picture,) = draw(shot, [frame], [pose(shot, frame, avatars)], tick)
    return picture


def pose(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> Iterable[Moment]:
    """The first half of `render_frame`: what the shutter sees of a frame.

    Sub-frames are posed when they are drawn: all of them would take too much memory. They are refined as their frame
    is: heads hardly change while a shutter is open.
    """
    corrections = refining.corrections(frame, avatars, camera_of(shot, frame.camera))
    if frame.subframes:
        return (pose_moment(shot, frame, each, avatars, corrections) for each in frame.subframes)
    return [pose_moment(shot, frame, frame, avatars, corrections)]


def camera_of(shot: Shot, seen_by: ShotCamera) -> Camera:
    """A Shot's camera, in the middle of its aperture."""
    return Camera(
        K=np.reshape(seen_by.K, (3, 3)),
        world_to_camera=np.reshape(seen_by.world_to_camera, (4, 4)),
        width=shot.width,
        height=shot.height,
        orthographic=seen_by.orthographic,
        near=seen_by.near,
        far=seen_by.far,
    )


@torch.no_grad()
def pose_moment(
    shot: Shot,
    frame: ShotFrame,
    moment: ShotFrame | ShotSubframe,
    avatars: Sequence[Avatar],
    corrections: Sequence[torch.Tensor | None] = (),
) -> Moment:
    """The heads of a frame, or of a sub-frame of it, in the world, and what sees and hides them.

    The cloud lies where the avatars pose: on a GPU where one of them does. `corrections` of the heads' colours are
    those of `refining`; without them heads are coarse.
    """
    seen_by = moment.camera
    camera = camera_of(shot, seen_by)
    clouds: list[Gaussians] = []
    for i, head in enumerate(moment.heads):
        avatar = avatars[head.avatar]
        weights, matrix = avatar.rig.weights(head.weights), np.reshape(head.matrix, (4, 4))
        gaussians = avatar.pose(weights)
        if corrections and (correction := corrections[i]) is not None:
            gaussians = recoloured(gaussians, correction)
        if head.vertices:
            gaussians = carried_by_mesh(gaussians, avatar, weights, head.vertices, placement_of(matrix, camera))
        cloud = placed(gaussians, matrix, camera)
        if shot.shows_normals:
            cloud = coloured_by_normals(cloud, avatar, head)
        elif head.light:
            cloud = lit(cloud, avatar, head)
        clouds.append(cloud)
    occluders = frame.occluders if moment.occluders is None else moment.occluders
    solids = frame.solids if moment.solids is None else moment.solids
    triangles = (np.frombuffer(each, "<f4").reshape(-1, 3, 3) for each in (occluders, solids))
    held_out = None
    if any(head.holdout for head in moment.heads):
        held_out = np.repeat([head.holdout for head in moment.heads], [len(cloud) for cloud in clouds])
    return Moment(merged(_on_one_device(clouds)), camera, seen_by.lens, *triangles, held_out=held_out)


def _on_one_device(clouds: Sequence[Gaussians]) -> Sequence[Gaussians]:
    """The clouds on the first device that is not the processor, where there is one."""
    device = next((cloud.means.device for cloud in clouds if cloud.means.device.type != "cpu"), None)
    if device is None:
        return clouds
    return [cloud.map(lambda tensor: tensor.to(device)) for cloud in clouds]


@torch.no_grad()
def draw(
    shot: Shot,
    frames: Sequence[ShotFrame],
    posed: Sequence[Iterable[Moment]],
    tick: Callable[[float], None] = _nobody,
) -> list[SeenPicture]:
    """The second half of `render_frame`, for several frames: a GPU draws those that are sharp at once."""
    sharp = [i for i, frame in enumerate(frames) if not frame.subframes and frame.camera.lens is None]
    pictures = {
        i: _hidden_by_meshes(layers)
        for i, layers in zip(sharp, _sharp(shot, [moment for i in sharp for moment in posed[i]]), strict=True)
    }
    for i, frame in enumerate(frames):
        if i not in pictures:
            one = exposed(posed[i], max(1, len(frame.subframes)), lambda moment: _sharp(shot, [moment])[0], tick)
            pictures[i] = SeenPicture(*one)
    if shot.background is not None:
        for picture in pictures.values():
            clear = 1.0 - picture.rgba[..., 3:] - picture.held_out[..., None]
            picture.rgba[..., :3] += clear * np.array(shot.background, np.float32)
            picture.rgba[..., 3] = 1.0 - picture.held_out
    return [pictures[i] for i in range(len(frames))]


def _sharp(shot: Shot, moments: Sequence[Moment]) -> list[Layers]:
    """Moments from the middle of their apertures."""
    whole = [moment for moment in moments if moment.held_out is None]
    clouds, cameras = [moment.cloud for moment in whole], [moment.camera for moment in whole]
    pictures = iter(render_scene_linear(clouds, cameras, region=shot.region))
    found: list[Layers] = []
    for moment in moments:
        if moment.held_out is not None:
            found.append(_with_holes(shot, moment))
            continue
        rgba, depth = next(pictures)
        found.append(Layers(rgba, depth, _hidden(shot, moment, depth), None))
    return found


def _with_holes(shot: Shot, moment: Moment) -> Layers:
    assert moment.held_out is not None
    image, held_out, depth = holdouts.seen(moment.cloud, moment.held_out, moment.camera, shot.region)
    hidden = _hidden(shot, moment, depth)
    return Layers(to_scene_linear(image.rgb, image.alpha), image.depth, hidden, held_out)


def _hidden(shot: Shot, moment: Moment, depth: np.ndarray) -> np.ndarray | None:
    """What meshes hide of heads of a depth (H, W)."""
    if not len(moment.occluders):
        return None
    region = shot.region or (0, 0, shot.width, shot.height)
    return hidden_part(moment.occluders, moment.solids, moment.camera, depth, region, shot.filter_width)


def _hidden_by_meshes(layers: Layers) -> SeenPicture:
    rgba, depth, hidden, held_out = layers
    if held_out is None:
        held_out = np.zeros(depth.shape, np.float32)
    if hidden is None:
        return SeenPicture(rgba, depth, np.zeros(depth.shape, np.float32), held_out)
    rgba *= (1 - hidden)[..., None]
    held_out *= 1 - hidden
    depth[hidden == 1] = NOTHING_HIT
    return SeenPicture(rgba, depth, hidden, held_out)
