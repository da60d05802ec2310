"""A film's views from the side beside those of a head that was trained on it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.regions import frame_regions
from dgtalker_engine.gaussians import Camera, render
from dgtalker_engine.rendering.formats import png as png_format
from dgtalker_engine.training import metrics
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.export import TrainedHead

from . import films, protocols, tables


def figures(head: TrainedHead, frames: ClipFrames, film: films.Film, picture: Path) -> list[tables.Row]:
    """PSNR and SSIM inside the true head and ours, without necks: means over a film's instants by the camera's way."""
    by_yaw: dict[float, list[tuple[float, float, float]]] = {}
    shown: list[np.ndarray] = []
    kept = {number: index for index, number in enumerate(frames.clip.info.kept)}
    wall = torch.tensor(films.WALL)
    model = frames.face_model
    joints = (model.joint_regressor @ model.neutral).double().numpy()
    eyes = joints[[model.joint_names.index(name) for name in ("leftEye", "rightEye")]]
    centre = films.origin_in(film, eyes)
    posed = protocols.tracked(head, frames, whole=True)
    for view in film.views:
        if view.frame not in kept:
            continue
        index = kept[view.frame]
        tracked = frames.camera(index)
        turned = films.around_head(np.asarray(tracked.world_to_camera), view.yaw, centre)
        camera = Camera(K=tracked.K, world_to_camera=turned, width=tracked.width, height=tracked.height)
        image = render(posed(index), camera)
        rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        ours = (rgb + (1 - alpha)[..., None] * wall).clamp(0, 1)
        truth = torch.from_numpy(_cropped(frames.clip, film.picture(view))).float() / 255
        mesh = frames.vertices(index).numpy()
        # Shoulders are no part of ours, and the true ones would judge it.
        true_head, our_head = (
            torch.from_numpy(frame_regions(model, mesh, camera, np.where(person, 255, 0).astype(np.uint8)).head)
            for person in ((truth - wall).abs().amax(dim=2).numpy() > 0.03, alpha.numpy() > 0.5)
        )
        move = films.shift_onto(ours.numpy(), truth.numpy(), true_head.numpy())
        ours = torch.roll(ours, move, (0, 1))
        inside = true_head | torch.roll(our_head, move, (0, 1))
        by_yaw.setdefault(view.yaw, []).append(
            (
                metrics.psnr(ours, truth, inside),
                metrics.ssim(ours, truth, inside),
                float(np.hypot(*move)),
            )
        )
        shown.append(np.concatenate([truth.numpy(), ours.numpy()], axis=0))
    if shown:
        picture.write_bytes(png(np.concatenate(shown[:6], axis=1)))
    means = {yaw: np.mean(values, axis=0) for yaw, values in sorted(by_yaw.items())}
    return [
        {"yaw": yaw, "psnr": round(float(p), 2), "ssim": round(float(s), 4), "shift": round(float(moved), 1)}
        for yaw, (p, s, moved) in means.items()
    ]


def _cropped(clip: Clip, picture: np.ndarray) -> np.ndarray:
    """A picture of the whole film as the clip's frames show it."""
    cut = np.ascontiguousarray(clip.info.crop.cut(picture))
    return cv2.resize(cut, (clip.info.size, clip.info.size), interpolation=cv2.INTER_AREA)


def png(picture: np.ndarray) -> bytes:
    pixels = np.full((*picture.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = np.rint(np.clip(picture, 0, 1) * 255)
    return png_format.encode(pixels, "")
