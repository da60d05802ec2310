"""`refine`: poses on the frames' pictures instead of on landmarks alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...errors import DGTalkerError
from ...gaussians.torch_threads import one_torch_thread
from ..clip import Clip
from ..face_model import FaceModel
from ..fit.fit import spread
from ..progress import Progress
from ..tracks import Tracks
from .appearance import Appearance
from .ridge import foretell
from .scene import Scene
from .seeding import seed
from .tracking import moved, steps_between, track
from .training import train

_ROUNDS = ((160, 1), *((60, 1),) * 4)  # steps of training, iterations of tracking
_READ = 0.2  # of the progress
_TRAINED = 100  # frames
_SEEDED = 5


def refine(clip: Clip, face_model: FaceModel, progress: Progress, *, frames: Sequence[int] | None = None) -> Tracks:
    """Refines the poses of a clip's tracks on its pictures.

    Rounds of two steps: an appearance of the head is trained on frames at the poses so far, and then the poses are
    moved so that it shows what the frames show. What is sharp in the appearance grows from round to round.

    Args:
        clip: with tracks that were fitted to landmarks.
        frames: whose pictures may be used; None for all. What changes in the others is foretold from their landmarks.

    Raises:
        DGTalkerError: there are fewer than 3 frames.
        Cancelled: `progress` raised it.
    """
    used = np.arange(len(clip)) if frames is None else np.unique(np.asarray(frames, np.int64))
    if len(used) < 3:
        raise DGTalkerError("Poses can be refined from 3 frames on.", "Give a longer clip.")
    with one_torch_thread():
        return _refined(clip, face_model, used, progress)


def _refined(clip: Clip, face_model: FaceModel, used: np.ndarray, progress: Progress) -> Tracks:
    random = np.random.default_rng(0)
    progress(0.0, "Refining the head's poses")

    def read(done: float) -> None:
        progress(_READ * done, "Reading the frames")

    scene = Scene(clip, face_model, used, read)
    tracks = clip.tracks
    begun = tracks.head_to_camera.astype(np.float64)
    features = np.concatenate([tracks.arkit[used], 3 * begun[used, :3, :3].reshape(len(used), 9)], 1)
    trained = used[spread(features, _TRAINED)]
    seeded = [int(frame) for frame in trained[spread(features[np.searchsorted(used, trained)], _SEEDED)]]
    appearance = Appearance(seed(scene, seeded, random))
    poses = begun
    for number, (steps, iterations) in enumerate(_ROUNDS):

        def check(done: float, first: float = number) -> None:
            progress(_READ + (1 - _READ) * (first + done) / len(_ROUNDS), "Refining the head's poses")

        train(appearance, scene, trained, poses, steps, random, lambda done: check(0.5 * done))
        poses = track(appearance, scene, poses, begun, iterations, lambda done: check(0.5 + 0.5 * done))
    others = np.setdiff1d(np.arange(len(clip)), used)
    if len(others):
        steps = foretell(tracks, face_model, clip.info.size, used, steps_between(begun[used], poses[used]))
        poses[others] = moved(begun[others], steps[others])
    return dataclasses.replace(tracks, head_to_camera=poses.astype(np.float32))
