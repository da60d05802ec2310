"""What a clip cannot teach, since no frame shows it."""

from __future__ import annotations

import numpy as np

from ..rig import ARKIT_NAMES
from .tracks import Tracks

WIDE_MOUTH = 0.35
"""Between the lips, in widths of the mouth at rest: an open vowel has more."""
SIDE = 15.0
"""Degrees of yaw to a side."""
SHUT = 0.8
"""Of `Tracks.blink`."""
SMILE = 0.4
BROWS = 0.3
LONG = 20.0
"""Seconds."""


def cannot_teach(tracks: Tracks, has_sound: bool) -> tuple[str, ...]:
    """Sentences for the user, each with the figure that was found and the one that is wanted."""
    said: list[str] = []
    widest = float(lip_opening(tracks.landmarks).max())
    if widest < WIDE_MOUTH:
        said.append(
            f"No wide open mouth: lips part to {widest:.2f} of the mouth's width, {WIDE_MOUTH} is an open vowel. "
            "Teeth and tongue are guessed."
        )
    yaw = head_yaw(tracks.head_to_camera)
    for side, unseen, most in (("left", "right", yaw.max()), ("right", "left", -yaw.min())):
        if most < SIDE:
            said.append(
                f"No view of the {unseen} side of the face: the head turns {max(0.0, most):.0f}° to its {side}, "
                f"{SIDE:.0f}° show it. That side is guessed."
            )
    shut = float(tracks.blink.min(axis=1).max())
    if shut < SHUT:
        said.append(f"No blink: the eyes are shut to {shut:.2f} at most, {SHUT} is shut. Closed lids are guessed.")
    for name, threshold, text in (
        ("mouthSmileLeft", SMILE, "No smile"),
        ("browInnerUp", BROWS, "No raised brows"),
    ):
        most = float(np.quantile(tracks.arkit[:, ARKIT_NAMES.index(name)], 0.99))
        if most < threshold:
            said.append(f"{text}: {name} reaches {most:.2f}, {threshold} shows it.")
    if not has_sound:
        said.append("No sound: the head moves its lips as everybody's do, not in this person's manner.")
    seconds = float(tracks.times[-1] - tracks.times[0])
    if seconds < LONG:
        said.append(f"Only {seconds:.1f} s: with {LONG:.0f} s and more, sounds and expressions come again and again.")
    return tuple(said)


def lip_opening(landmarks: np.ndarray) -> np.ndarray:
    """Between the inner lips' middles, in median widths of the mouth: landmarks (T, 478, 3) → (T,)."""
    points = landmarks.astype(np.float64)
    apart = np.linalg.norm(points[:, 13] - points[:, 14], axis=1)
    width = np.linalg.norm(points[:, 61] - points[:, 291], axis=1)
    return apart / np.median(width)


def head_yaw(head_to_camera: np.ndarray) -> np.ndarray:
    """Degrees by which heads are turned to their own left, (T, 4, 4) → (T,)."""
    # The face looks along −Y of head space; the camera sees it from −Z.
    forward = -head_to_camera[:, :3, 1]
    return np.degrees(np.arctan2(forward[:, 0], -forward[:, 2]))
