"""Makes a built-in head: placed by code, photographed with Cycles, fitted to the pictures; and says how good it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import avatar
from ..avatar.kinds.linear.model import LinearAvatar
from .code_digest import digest
from .cycles import views
from .cycles.cycles_render import cycles_parts, render_pictures
from .fit import Settings, fit, fitted, psnr
from .sculpture.build import build_head
from .sculpture.character import Character
from .sculpture.warp import Warp

Say = Callable[[str], None]


@dataclass(frozen=True)
class Quality:
    """How much work a head is: pixels of a picture's side, samples of each pixel, steps of the fit."""

    size: int = views.SIZE
    samples: int = 6
    steps: int = 540


def make(
    character: Character, blender: Path, folder: Path, quality: Quality, say: Say
) -> tuple[LinearAvatar, dict[str, Any]]:
    """The head, and a report: PSNR in dB on pictures that were not fitted to, before and after the fit, and seconds.

    Args:
        character: who.
        blender: a Python that has bpy.
        folder: for what is handed to Blender and back.
        quality: how much work.
        say: is told what is being done.

    Raises:
        DGTalkerError: Blender could not render.
    """
    started = time.monotonic()
    code = digest()
    say("placing Gaussians")
    placed = build_head(character)
    say("making meshes")
    everything, adjustable = cycles_parts(character)
    shown = time.monotonic()
    # faces that fill the picture show enough at three quarters of its size
    near = quality.size * 3 // 4
    shots = [(pose, view.camera(near if view.close else quality.size)) for pose in views.POSES for view in pose.views]
    held_out = [(views.REST, view.camera(quality.size)) for view in views.HELD_OUT]
    total = len(shots) + len(held_out)

    def seen(done: int) -> None:
        if done % 5 == 0 or done == total:
            say(f"{done} of {total} pictures")

    warp = Warp(character.shape)
    # rest comes first, and once: Blender shows each pose in one go
    taken = render_pictures(
        everything,
        warp,
        blender=blender,
        folder=folder,
        shots=[*held_out, *shots],
        samples=quality.samples,
        progress=seen,
    )
    unseen, pictures = taken[: len(held_out)], taken[len(held_out) :]
    fitting = time.monotonic()

    def stepped(step: int, loss: float) -> None:
        if step % 100 == 0 or step == quality.steps:
            say(f"{step} of {quality.steps} steps, difference {loss:.4f}")

    result = fit(placed, adjustable, pictures, list(views.CHANGING), Settings(steps=quality.steps), stepped)
    better = fitted(placed, result)
    data = avatar.pack(better)
    head = avatar.load(data)
    assert isinstance(head, LinearAvatar)
    before = [psnr(placed, picture) for picture in unseen]
    after = [psnr(head, picture) for picture in unseen]
    report = {
        "gaussians": len(placed.base["means"]),
        "bytes": len(data),
        "psnr_placed": round(float(np.mean(before)), 2),
        "psnr_fitted": round(float(np.mean(after)), 2),
        "psnr_fitted_worst": round(min(after), 2),
        "seconds": {
            "place": round(shown - started),
            "photograph": round(fitting - shown),
            "fit": round(time.monotonic() - fitting),
        },
        "code": code,
    }
    say(f"{report['psnr_placed']} dB placed, {report['psnr_fitted']} dB fitted, {len(data):,} bytes")
    return better, report
