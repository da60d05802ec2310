"""The z-buffer of meshes, and what it says of a frame's pixels."""

from __future__ import annotations

import numpy as np
import torch
from made_faces import TOWARDS_CAMERA, made_face
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.capture.mesh_raster import rasterize, rasterize_reference
from dgtalker_engine.capture.regions import NOTHING, frame_regions, project
from dgtalker_engine.gaussians import Camera
from dgtalker_engine.rig import ARKIT_NAMES


def test_the_kernel_shows_what_the_reference_shows() -> None:
    random = np.random.default_rng(1)
    vertices, depths = random.uniform(-5, 45, (60, 2)), random.uniform(-0.1, 2, 60)
    faces = random.integers(0, 60, (40, 3))
    fast, slow = (way(vertices, depths, faces, 33, 41) for way in (rasterize, rasterize_reference))
    np.testing.assert_array_equal(fast.triangles, slow.triangles)
    np.testing.assert_allclose(fast.barycentrics, slow.barycentrics, atol=1e-6)
    np.testing.assert_allclose(fast.depth, slow.depth, rtol=1e-6)
    assert (fast.triangles >= 0).any()


def test_barycentrics_are_those_of_the_point_in_space() -> None:
    corners = np.array([[-1.0, -1, 2], [3, -1, 4], [-1, 3, 7]])
    raster = rasterize(corners[:, :2] / corners[:, 2:] * 50 + 20, corners[:, 2], np.array([[0, 1, 2]]), 40, 40)
    rows, columns = np.nonzero(raster.triangles == 0)
    points = raster.barycentrics[rows, columns] @ corners
    np.testing.assert_allclose(points[:, 0] / points[:, 2] * 50 + 20, columns + 0.5, atol=1e-3)
    np.testing.assert_allclose(points[:, 1] / points[:, 2] * 50 + 20, rows + 0.5, atol=1e-3)
    np.testing.assert_allclose(points[:, 2], raster.depth[rows, columns], rtol=1e-5)


def made_regions(*, hair: bool):
    face, model = made_face(frames=1, size=128), face_model.load()
    K = np.array([[face.focal, 0, 64], [0, face.focal, 64], [0, 0, 1]])
    camera = Camera(K=K, world_to_camera=face.head_to_camera[0], width=128, height=128)
    vertices = model.vertices(torch.from_numpy(face.identity), torch.from_numpy(face.expression[0])).numpy()
    pixels, depths = project(camera, vertices)
    matte = (rasterize(pixels, depths, model.faces.numpy(), 128, 128).triangles >= 0).astype(np.uint8) * 255
    if hair:
        matte[:50] = 255
    return frame_regions(model, vertices, camera, matte), face


def test_lips_and_eyes_are_labelled_where_their_landmarks_lie() -> None:
    regions, face = made_regions(hair=False)
    for landmark, region in ((17, Region.LIPS), (468, Region.EYES), (473, Region.EYES)):
        x, y = face.landmarks[0, landmark, :2]
        near = regions.labels[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3]
        assert region in near


def test_the_head_ends_at_the_jaw_and_keeps_its_hair() -> None:
    regions, face = made_regions(hair=True)
    x, y = face.landmarks[0, 152, :2].astype(int)  # the chin
    assert regions.head[y - 3, x]
    assert not regions.head[y + 8 :].any()
    assert regions.head[10, x]
    assert (regions.labels == Region.NECK).any()
    assert (regions.labels[:3] == NOTHING).all()


def lower_ends_of_hair(*, turn: tuple[float, float, float] = (0, 0, 0), jaw: float = 0.0) -> np.ndarray:
    """Heights in head space, metres, at which hair that falls to both sides of a face is cut off."""
    size, model = 128, face_model.load()
    face = made_face(frames=1, size=size)
    pose = face.head_to_camera[0].copy()
    pose[:3, :3] = TOWARDS_CAMERA @ Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    K = np.array([[face.focal, 0, size / 2], [0, face.focal, size / 2], [0, 0, 1]])
    camera = Camera(K=K, world_to_camera=pose, width=size, height=size)
    expression = torch.zeros(52)
    expression[ARKIT_NAMES.index("jawOpen")] = jaw
    vertices = model.vertices(torch.zeros(0), expression).numpy()
    head = frame_regions(model, vertices, camera, np.full((size, size), 255, np.uint8)).head
    heights = []
    for x in (-0.1, 0.1):
        line = np.array([[x, 0, z] for z in np.linspace(0.1, -0.2, 301)])
        (columns, rows), _ = (array.T.astype(int) for array in project(camera, line))
        inside = head[rows.clip(0, size - 1), columns.clip(0, size - 1)]
        heights.append(line[inside.argmin(), 2])
    return np.array(heights)


def test_hair_ends_at_the_same_place_of_a_head_however_it_turns_and_speaks() -> None:
    pixel = 0.75 / 256
    still = lower_ends_of_hair()
    assert np.ptp(still) < 1.5 * pixel
    for turned in (
        lower_ends_of_hair(jaw=0.8),
        lower_ends_of_hair(turn=(0, 12, 0)),
        lower_ends_of_hair(turn=(0, 0, 25)),
        lower_ends_of_hair(turn=(12, 0, 0)),
    ):
        np.testing.assert_allclose(turned, still, atol=3 * pixel)


def test_nobody_in_the_picture_is_no_head() -> None:
    face, model = made_face(frames=1, size=64), face_model.load()
    K = np.array([[face.focal, 0, 32], [0, face.focal, 32], [0, 0, 1]])
    camera = Camera(K=K, world_to_camera=face.head_to_camera[0], width=64, height=64)
    regions = frame_regions(model, model.neutral.numpy(), camera, np.zeros((64, 64), np.uint8))
    assert not regions.head.any()
    assert (regions.labels == NOTHING).all()
