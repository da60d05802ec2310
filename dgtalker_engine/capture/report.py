"""report.html of a clip: what was tracked, over its frames, and what was left out and why. One file, no scripts."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..files import write_whole
from . import overlays, pictures
from .clip import Clip, frame_path
from .coverage import lip_opening
from .face_model import FaceModel
from .progress import Progress

REPORT = "report.html"

_SHOWN = 6
_MEASURED = 1200  # about as many as the graph has pixels
_REJECTED_SHOWN = 12
_SIDE = 320
_QUALITY = 85

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1320px; margin: 2em auto; padding: 0 1em; color: #222 }
figure { display: inline-block; margin: 0 6px 10px 0 } figcaption { font-size: 13px; color: #555; max-width: 320px }
img { display: block } table { border-collapse: collapse } td, th { padding: 2px 14px 2px 0; text-align: left }
svg { background: #f6f6f6; display: block; margin: 4px 0 12px } h2 { margin-top: 1.6em }
"""


def write(clip: Clip, model: FaceModel, progress: Progress) -> Path:
    """Writes a clip's report, while the frames that were rejected are still there.

    Args:
        clip: with its tracks.
        model: that was fitted.
        progress: is told.
    """
    measured = np.unique(np.linspace(0, len(clip) - 1, min(len(clip), _MEASURED)).astype(int))
    errors = overlays.reprojection_errors(clip, model, measured, progress)
    worst = int(measured[errors.argmax()])
    everything = np.arange(len(clip))
    body = [
        f"<h1>{html.escape(clip.info.source.name)}</h1>",
        _facts(clip, errors),
        _list("Notes", clip.info.notes),
        _list("What this clip cannot teach", clip.info.cannot_teach),
        "<h2>Frames</h2><p>Landmarks (green); the fitted face; the person's matte and, brighter, the head.</p>",
        *_frames(clip, model, worst, progress),
        "<h2>Over time</h2>",
        _curve("Landmarks beside the fitted face, px", measured, errors, clip),
        _curve("Lips apart, in widths of the mouth", everything, lip_opening(clip.tracks.landmarks), clip),
        _curve("Eyes shut (the less shut one)", everything, clip.tracks.blink.min(axis=1), clip),
        *_rejected(clip),
        _times(clip),
    ]
    page = f"<!doctype html><meta charset=utf-8><title>Clip</title><style>{_STYLE}</style>" + "\n".join(body)
    path = clip.folder / REPORT
    write_whole(path, page.encode())
    progress(1.0, "The report is written")
    return path


def _facts(clip: Clip, errors: np.ndarray) -> str:
    info, source = clip.info, clip.info.source
    rows = {
        "Video": f"{source.width} × {source.height} px, from {source.start:.2f} s to {source.end:.2f} s"
        + (f", turned by {source.rotation}°" if source.rotation else ""),
        "Crop": f"{info.crop.side} px from ({info.crop.x}, {info.crop.y}), at {info.size} px",
        "Frames": f"{len(clip)} at {info.fps:g} fps; {len(info.rejected)} left out",
        "Face model": f"{info.face_model}, {'refined on the pictures' if info.photometric else 'fitted to landmarks'}",
        "Landmarks beside the face": f"{errors.mean():.2f} px on average, {errors.max():.2f} px at most",
        "Focal length": f"{clip.tracks.focal:.0f} px",
    }
    return f"<table>{''.join(f'<tr><th>{name}<td>{html.escape(text)}' for name, text in rows.items())}</table>"


def _list(title: str, sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(each)}" for each in sentences)
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


def _frames(clip: Clip, model: FaceModel, worst: int, progress: Progress) -> Iterable[str]:
    chosen = sorted({*np.linspace(0, len(clip) - 1, _SHOWN).astype(int).tolist(), worst})
    for count, index in enumerate(chosen):
        progress(count / len(chosen), "Drawing the report")
        shown = np.concatenate(overlays.draw(clip, model, index, _SIDE), axis=1)
        text = f"frame {clip.info.kept[index]}, {clip.tracks.times[index]:.2f} s"
        yield _figure(shown, text + (": landmarks farthest from the face" if index == worst else ""))


def _rejected(clip: Clip) -> Iterable[str]:
    rejected = clip.info.rejected
    if not rejected:
        return
    yield "<h2>Left out</h2><ul>"
    for reason, count in Counter(each.reason for each in rejected).most_common():
        yield f"<li>{count} frames: {html.escape(reason)}"
    yield "</ul>"
    for i in np.unique(np.linspace(0, len(rejected) - 1, min(_REJECTED_SHOWN, len(rejected))).astype(int)):
        each = rejected[i]
        picture = pictures.resize(pictures.read_rgb(frame_path(clip.folder, each.frame)), _SIDE // 2)
        yield _figure(picture, f"frame {each.frame}, {each.time:.2f} s: {each.reason}")


def _times(clip: Clip) -> str:
    frames = len(clip) + len(clip.info.rejected)
    rows = "".join(
        f"<tr><td>{name}<td>{seconds:.1f} s<td>{1000 * seconds / frames:.1f} ms a frame"
        for name, seconds in clip.info.seconds.items()
    )
    total = sum(clip.info.seconds.values())
    rows += f"<tr><th>all<th>{total:.1f} s<th>{1000 * total / frames:.1f} ms a frame"
    return f"<h2>What it took</h2><table>{rows}</table>"


def _figure(picture: np.ndarray, text: str) -> str:
    data = base64.b64encode(pictures.encode_jpeg(picture, _QUALITY)).decode()
    size = f"width={picture.shape[1]} height={picture.shape[0]}"
    caption = html.escape(text)
    image = f'<img {size} alt="{caption}" src="data:image/jpeg;base64,{data}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def _curve(title: str, frames: np.ndarray, values: np.ndarray, clip: Clip) -> str:
    """A graph of values of frames over the stretch; gaps and red marks where frames were left out."""
    times, numbers = clip.tracks.times[frames], np.array(clip.info.kept)[frames]
    width, height, end = 1280, 120, max(float(clip.tracks.times[-1]), 1e-6)
    top = max(float(values.max()), 1e-6) * 1.05
    x, y = times / end * width, height - values / top * height
    step = -(-len(clip) // len(frames))
    runs = np.split(np.arange(len(times)), np.flatnonzero(np.diff(numbers) > step) + 1)
    lines = "".join(
        f'<polyline fill="none" stroke="#1565c0" points="{" ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in run)}"/>'
        for run in runs
    )
    marks = "".join(
        f'<rect x="{each.time / end * width:.1f}" y="{height - 4}" width="2" height="4" fill="#c62828"/>'
        for each in clip.info.rejected
    )
    label = f"{title}: at most {values.max():.2f}, {np.median(values):.2f} usually; {end:.1f} s"
    return f'<div>{label}</div><svg viewBox="0 0 {width} {height}" width="100%">{lines}{marks}</svg>'
