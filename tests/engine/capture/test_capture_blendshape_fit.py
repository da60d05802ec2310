"""Expressions fitted to landmarks: what a face of known weights did is found again, however its head is turned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture.blendshape_fit import FaceFit
from dgtalker_engine.errors import DGTalkerError

NAMES = ("browInnerUp", "eyeBlink")


def write_head(folder) -> tuple[np.ndarray, np.ndarray]:
    """A head of 468 points with one shape for both sides and one for each; what each of `NAMES` moves."""
    random = np.random.default_rng(6)
    vertices = random.normal(0, 5, (468, 3))
    deltas = np.zeros((3, 468, 3))
    deltas[0, :150] = random.normal(0, 0.5, (150, 3))
    deltas[1, 150:250] = random.normal(0, 0.5, (100, 3))
    deltas[2, 250:350] = random.normal(0, 0.5, (100, 3))
    names = np.array(["browInnerUp", "eyeBlink_L", "eyeBlink_R"])
    np.savez(folder / "ict_facekit.npz", vertices=vertices, expression_names=names, expression_deltas=deltas)
    np.save(folder / "mediapipe468_to_ict.npy", np.arange(468))
    return vertices, np.stack([deltas[0], deltas[1] + deltas[2]])


def test_weights_of_a_face_are_found_again(tmp_path):
    vertices, deltas = write_head(tmp_path)
    clock = np.linspace(0, 6, 80)
    weights = np.stack([0.4 * np.sin(clock), np.where(np.arange(80) % 20 < 3, 1.0, 0.0)])
    faces = vertices + np.einsum("wf,wvd->fvd", weights, deltas)
    turn = Rotation.from_euler("xyz", (0.1, 0.3, -0.2)).as_matrix()
    pictures = 0.01 * faces * (1.0, -1.0, -1.0) @ turn.T + 2.0
    found = FaceFit(tmp_path, NAMES).fit(np.pad(pictures, ((0, 0), (0, 10), (0, 0))))
    for name, wanted in zip(NAMES, weights, strict=True):
        assert np.corrcoef(found[name], wanted)[0, 1] > 0.99
        assert np.ptp(found[name]) == pytest.approx(np.ptp(wanted), rel=0.15)


def test_a_folder_without_the_head_is_told(tmp_path):
    with pytest.raises(DGTalkerError, match=r"has no ict_facekit.npz"):
        FaceFit(tmp_path, NAMES)
