"""Files of splats: what other programs write is read, what is written is read back, and what is broken is said."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import splat_files as files
import torch
from made_avatars import linear_head
from scipy.spatial import KDTree

from dgtalker_engine import avatar
from dgtalker_engine.avatar import splats
from dgtalker_engine.avatar.splats import numbers
from dgtalker_engine.avatar.splats.still import still_avatar
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.gaussians.reference.projection import rotation_matrices
from dgtalker_engine.gaussians.reference.spherical_harmonics import basis
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.talking_shot import front_camera
from dgtalker_engine.wire import Shot, ShotFrame, ShotHead

DOWN = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
"""From a file whose Y points down and whose Z away from the viewer to head space."""
UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From one whose Y points up and whose Z to the viewer."""
FILES = {
    "ply": (files.ply(), DOWN),
    "splat": (files.SPLAT, DOWN),
    "spz 2": (files.spz(2), UP),
    "spz 3": (files.spz(3), UP),
    "glb": (files.glb(*files.gltf()), UP),
}


def covariances(quats, scales):
    axes = rotation_matrices(quats.double()).numpy() * scales.double().numpy()[:, None]
    return axes @ axes.transpose(0, 2, 1)


def parse(data, **options):
    return splats.parse(data, Path(), **options)


def refused(data, match, **options):
    with pytest.raises(DGTalkerError, match=match):
        parse(data, **options)


@pytest.mark.parametrize("name", FILES)
def test_what_other_programs_write_is_read(name):
    data, matrix = FILES[name]
    cloud = parse(data).cloud
    assert np.allclose(cloud.means, files.POSITIONS @ matrix.T, atol=1e-6)
    assert np.allclose(cloud.opacities, files.OPACITIES, atol=0.003)
    assert np.allclose(np.linalg.norm(cloud.quats, axis=1), 1, atol=1e-6)
    assert np.allclose(np.sort(cloud.scales, axis=1), files.SCALES, rtol=0.035)
    # turned by 90° about the file's X, the second scale lies along its Z and the third along its Y
    first = np.diag(np.array([0.1, 0.4, 0.2]) ** 2)
    assert np.allclose(covariances(cloud.quats, cloud.scales)[0], matrix @ first @ matrix.T, atol=0.01)
    colours = cloud.sh[:, 0].numpy() * SH_C0 + 0.5
    assert np.allclose(colours[0], 0.5, atol=0.01)
    assert np.allclose(colours[1], (0.923, 0.077, 0.077), atol=0.01)


@pytest.mark.parametrize("name", [name for name in FILES if name != "splat"])
def test_colours_are_seen_from_the_same_side_as_in_the_file(name):
    data, matrix = FILES[name]
    cloud = parse(data).cloud
    there = torch.tensor([[0.3, -0.7, 0.5], [-0.9, 0.1, 0.2]], dtype=torch.float64)
    here = there @ torch.tensor(matrix.T, dtype=torch.float64)
    of_file = np.array([files.CONSTANTS[0], *files.LINEAR])
    seen = basis(here, 4).numpy() @ cloud.sh[0].double().numpy()
    assert np.allclose(seen, basis(there, 4).numpy() @ of_file, atol=0.01)


def test_ply_of_other_degrees_newlines_and_comments():
    assert parse(files.ply(rest=0)).cloud.sh.shape == (2, 1, 3)
    assert np.array_equal(parse(files.ply(newline="\r\n")).cloud.means, parse(files.ply()).cloud.means)
    assert len(parse(files.ply(more="comment by somebody")).cloud) == 2


def test_opacities_that_are_whole_have_infinite_logits():
    data = files.ply(rest=0)
    logit = struct.pack("<f", np.log(3))
    cloud = parse(data.replace(logit, struct.pack("<f", np.inf))).cloud
    assert cloud.opacities[0] == 1


def test_nodes_of_gltf_place_what_hangs_on_them():
    half = float(np.sqrt(0.5))
    node = {"translation": [0, 0, 3], "rotation": [0, half, 0, half], "scale": [2, 2, 2]}
    cloud = parse(files.glb(*files.gltf(node=node))).cloud
    turn = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # by 90° about Y, the top
    placed = 2 * np.array(files.POSITIONS) @ turn.T + (0, 0, 3)
    assert np.allclose(cloud.means, placed @ UP.T, atol=1e-6)
    assert np.allclose(cloud.scales[0].sort().values, np.array(files.SCALES[0]) * 2)
    matrix = [0, 0, -2, 0, 0, 2, 0, 0, 2, 0, 0, 0, 0, 0, 3, 1]  # the same, column by column
    same = parse(files.glb(*files.gltf(node={"matrix": matrix}))).cloud
    assert np.allclose(same.means, cloud.means, atol=1e-6)


def test_linear_colours_become_srgb_and_it_is_said():
    found = parse(files.glb(*files.gltf("lin_rec709_display")))
    assert found.cloud.sh.shape[1] == 1
    assert np.allclose(found.cloud.sh[0, 0] * SH_C0 + 0.5, 0.7354, atol=1e-3)  # of linear 0.5
    assert any("linear" in note for note in found.notes)


def test_buffers_inside_and_beside_a_gltf_file(tmp_path):
    document, body = files.gltf()
    document["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(body).decode()
    assert len(parse(json.dumps(document).encode()).cloud) == 2
    (tmp_path / "a b.bin").write_bytes(body)
    document["buffers"][0]["uri"] = "a%20b.bin"
    (tmp_path / "splats.gltf").write_text(json.dumps(document))
    assert len(splats.read(tmp_path / "splats.gltf").cloud) == 2
    for name in ("../a b.bin", "/etc/passwd", "none.bin"):
        document["buffers"][0]["uri"] = name
        (tmp_path / "splats.gltf").write_text(json.dumps(document))
        with pytest.raises(DGTalkerError, match=r"beside|cannot be read"):
            splats.read(tmp_path / "splats.gltf")


def test_a_gltf_file_that_names_one_buffer_again_and_again_is_not_read_without_end(tmp_path, monkeypatch):
    document, body = files.gltf()
    (tmp_path / "a.bin").write_bytes(body)
    document["buffers"] = [{"byteLength": len(body), "uri": "a.bin"}] * 3
    (tmp_path / "splats.gltf").write_text(json.dumps(document))
    assert len(splats.read(tmp_path / "splats.gltf").cloud) == 2
    monkeypatch.setattr(numbers, "MAX_FILE_BYTES", 2 * len(body))
    with pytest.raises(DGTalkerError, match="buffers are too large"):
        splats.parse((tmp_path / "splats.gltf").read_bytes(), tmp_path)


def test_what_is_said_about_a_damaged_gltf_file_is_short():
    document, body = files.gltf()
    for wrong in ("x" * 10_000, [[[0]]] * 1000):
        document["accessors"][0]["componentType"] = wrong
        with pytest.raises(DGTalkerError, match="cannot be read") as caught:
            parse(files.glb(document, body))
        assert len(caught.value.message) < 300


def test_degree_4_of_spz_is_left_out_and_it_is_said():
    plain = bytearray(gzip.decompress(files.spz(3)))
    plain[12] = 4
    found = parse(gzip.compress(bytes(plain[:-18]) + bytes([128, 192] * 72)))
    assert found.cloud.sh.shape == (2, 16, 3)
    assert any("degree 4" in note for note in found.notes)


def test_axes_and_scale_are_the_users(tmp_path):
    cloud = parse(files.SPLAT, forward="Y", up="Z", scale=10.0).cloud
    assert np.allclose(cloud.means, np.array(files.POSITIONS) * 10)
    assert np.allclose(cloud.scales[0], np.array(files.SCALES[0]) * 10)
    path = splats.write(cloud, tmp_path / "a.ply", forward="Y", up="Z", scale=0.1)
    assert np.allclose(splats.read(path, forward="Y", up="Z").cloud.means, files.POSITIONS, atol=1e-6)
    refused(files.SPLAT, "one line", forward="Y", up="-Y")
    refused(files.SPLAT, "no axis", forward="W")
    refused(files.SPLAT, "scaled by", scale=float("nan"))


@pytest.mark.parametrize(
    ("name", "step"),
    [("ply", 1e-5), ("glb", 1e-6), ("spz", 0.01)],
)
def test_what_is_written_is_read_back(name, step, tmp_path):
    head = linear_head()
    cloud = head.pose(head.rig.weights({"jawOpen": 0.5, "headTurn": 0.3}))
    found = splats.read(splats.write(cloud, tmp_path / f"a.{name}")).cloud
    assert np.allclose(found.means, cloud.means, atol=1e-5)
    small = 1e-4 if name == "spz" else 0  # which knows none under 0.05 mm
    assert np.allclose(found.scales, cloud.scales, rtol=max(step, 1e-5) * 4, atol=small)
    assert np.allclose((found.quats * cloud.quats).sum(1).abs().numpy(), 1, atol=1e-5)
    assert np.allclose(found.opacities, cloud.opacities, atol=step)
    inside = cloud.sh.abs() < 0.95 if name == "spz" else cloud.sh.abs() < 9  # SPZ has no more than 1 above degree 0
    assert np.allclose(found.sh[inside], cloud.sh[inside], atol=max(2 * step, 1e-5))


def test_a_glb_file_shows_points_where_splats_are_unknown(tmp_path):
    data = splats.write(parse(files.SPLAT).cloud, tmp_path / "a.glb").read_bytes()
    document = json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])
    assert struct.unpack_from("<I", data, 8)[0] == len(data)
    (primitive,) = document["meshes"][0]["primitives"]
    assert primitive["mode"] == 0
    assert {"POSITION", "COLOR_0"} <= primitive["attributes"].keys()
    assert primitive["extensions"] == {files.EXTENSION: {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}}
    assert "extensionsRequired" not in document
    position = document["accessors"][primitive["attributes"]["POSITION"]]
    assert np.allclose(position["max"], (0.5, 0.25, -0.125))
    assert np.allclose(position["min"], (-1.0, 0.0, -2.0))


def test_what_is_only_read_is_not_written(tmp_path):
    cloud = parse(files.SPLAT).cloud
    with pytest.raises(DGTalkerError, match="only read"):
        splats.write(cloud, tmp_path / "a.splat")
    with pytest.raises(DGTalkerError, match="says no format"):
        splats.write(cloud, tmp_path / "a.obj")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_is_a_message(name):
    data, _ = FILES[name]
    for length in (len(data) - 5, len(data) // 2 + 1, 40):
        refused(data[:length], r"\w+")


def test_what_is_no_file_of_splats_is_a_message(monkeypatch):
    refused(b"hello, splats", "no file of splats")
    refused(b"ply\nformat ascii 1.0\nelement vertex 1\nend_header\n", "binary_little_endian")
    mesh = b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
    refused(mesh + b"property float z\nend_header\n" + bytes(12), "no property 'f_dc_0'")
    refused(b"ply\nformat binary_little_endian 1.0\nelement chunk 1\nend_header\n", "vertices")
    refused(files.ply(rest=0).replace(b"float nz", b"float binding_0"), "bound to the triangles")
    refused(b"NGSP" + bytes(60), "version 4")
    refused(gzip.compress(b"something else entirely"), r"no \.spz")
    refused(b'{"asset": {"version": "2.0"}}', "no Gaussians")
    document, body = files.gltf()
    document["meshes"][0]["primitives"][0]["extensions"][files.EXTENSION]["extensions"] = {"KHR_spz": {}}
    refused(files.glb(document, body), "compressed: KHR_spz")
    document, body = files.gltf()
    document["nodes"][1]["children"] = [0]
    refused(files.glb(document, body), "circle")
    monkeypatch.setattr(numbers, "MAX_GAUSSIANS", 1)
    for data, _ in FILES.values():
        refused(data, "2 Gaussians; 1 to 1")


def test_a_gzip_bomb_is_not_unpacked():
    header = struct.pack("<4sIIBBBB", b"NGSP", 3, 4, 0, 12, 0, 0)
    assert len(parse(gzip.compress(header + bytes([0] * 40) + bytes([1] * 40) + bytes(1 << 24))).cloud) == 4


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("number", [np.nan, np.inf, 1e30])
def test_numbers_that_are_none_are_a_message(name, number):
    if name.startswith("spz"):
        pytest.skip("its numbers are bytes")
    data, _ = FILES[name]
    refused(data.replace(struct.pack("<f", -0.25), struct.pack("<f", number), 1), "no usable numbers")


def test_a_cloud_becomes_an_avatar_that_nothing_moves():
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(4000, 3))
    means = 0.3 * directions / np.linalg.norm(directions, axis=1, keepdims=True) + (1, 2, 3)
    quats = np.tile((1.0, 0, 0, 0), (4000, 1))
    sh = np.tile((1.5, -1.5, -1.5), (4000, 1))[:, None]
    cloud = numbers.checked(
        means=means, quats=quats, scales=np.full((4000, 3), 0.02), opacities=np.full(4000, 0.9), sh=sh
    )
    still = avatar.load(avatar.pack(still_avatar(cloud, "a\nball\0")))
    assert still.metadata.name == "a ball"
    assert still.metadata.consent.status == "unknown"
    assert still.rig.controls == ()
    posed = still.pose(still.rig.defaults)
    assert KDTree(posed.means.numpy()).query(cloud.means.numpy())[0].max() < 1e-4
    mesh = still.proxy
    distance = np.linalg.norm(mesh.vertices - (1, 2, 3), axis=1)
    assert 0.27 < distance.min() < distance.max() < 0.36, "around the ball, not inside it"
    corners = mesh.vertices[mesh.faces].astype(float) - (1, 2, 3)
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    assert (np.einsum("fi,fi->f", normals, corners.mean(axis=1)) > 0).all(), "seen from outside"
    edges = np.sort(np.stack([mesh.faces, np.roll(mesh.faces, -1, 1)], -1).reshape(-1, 2), 1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] % 2 == 0).all(), "closed"
    assert np.allclose(mesh.colours[:, :3].mean(axis=0), (0.83, 0.007, 0.007), atol=0.02)
    head = ShotHead(0, tuple(np.eye(4).ravel().tolist()), {})
    shot = Shot(width=64, height=64, avatars=("x",), frames=(ShotFrame(1, front_camera(still, 64), (head,)),))
    rgba, _ = render_frame(shot, shot.frames[0], [still])
    assert rgba[32, 32, 3] > 0.9
    assert rgba[32, 32, 0] > 0.6
    assert rgba[2, 2, 3] == 0


def test_few_and_flat_clouds_have_a_hull_too():
    for means in (np.zeros((1, 3)), np.zeros((3, 3)), np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0.0]])):
        count = len(means)
        cloud = numbers.checked(
            means=means,
            quats=np.tile((1.0, 0, 0, 0), (count, 1)),
            scales=np.zeros((count, 3)),
            opacities=np.zeros(count),
            sh=np.zeros((count, 1, 3)),
        )
        mesh = avatar.load(avatar.pack(still_avatar(cloud, ""))).proxy
        assert len(mesh.faces) >= 6
        assert np.isfinite(mesh.vertices).all()
