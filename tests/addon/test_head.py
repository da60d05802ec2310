"""Adding heads, what stays in the .blend, and bad .dgt files."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys

import bpy
import numpy as np
import pytest

MAKE_AVATAR = """
import sys
import numpy as np
from dgtalker_engine import avatar
from dgtalker_engine.avatar.sparse import SparseDeltas
from dgtalker_engine.rig import Control, Rig, arkit_rig

name, status, path = sys.argv[1:]
rng = np.random.default_rng(len(name))
rig = Rig((*arkit_rig().controls, Control("neckBend", "pose", minimum=-0.5, maximum=0.5, default=0.1)))
u, v = np.meshgrid(np.linspace(0, 1, 13), np.linspace(0, 1, 9))
ring = 0.1 * np.sin(3.14 * v)
vertices = np.stack([np.cos(6.28 * u) * ring, np.sin(6.28 * u) * ring, 0.1 * np.cos(3.14 * v)], -1)
vertices = vertices.reshape(-1, 3).astype("f4")
corner = np.arange(9 * 13).reshape(9, 13)
quads = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], -1).reshape(-1, 4).astype("i4")
quads[0, 3] = -1
deltas = rng.normal(0, 0.01, (53, len(vertices), 3)).astype("f4")
colours = np.concatenate([rng.uniform(0.2, 0.8, (len(vertices), 3)), np.ones((len(vertices), 1))], 1).astype("f4")
n = len(vertices)
base = {"means": vertices, "quats": np.tile(np.float32([1, 0, 0, 0]), (n, 1)), "scales": np.full((n, 3), 0.01, "f4"),
        "opacities": np.full(n, 0.9, "f4"), "sh": rng.normal(size=(n, 1, 3)).astype("f4")}
consent = avatar.Consent(subject="Nobody", scope="tests", granted_by="the tests", date="2026-01-01", status=status)
metadata = avatar.Metadata(
    format_version=1, kind="linear", name=name, rig=rig, consent=consent, licence="CC0-1.0", hash=""
)
uv = np.stack([u, v], -1).reshape(-1, 2).astype("f4")
proxy = avatar.ProxyMesh(vertices=vertices, faces=quads, uv=uv, colours=colours, deltas=deltas)
moves = {"means": SparseDeltas.from_dense(deltas, 1e-6)}
head = avatar.LinearAvatar(metadata=metadata, base=base, deltas=moves, sculpted=proxy)
avatar.save(head, __import__("pathlib").Path(path))
"""


@pytest.fixture(scope="session")
def make_avatar(tmp_path_factory):
    """Writes a small .dgt file with the engine's own writer: a ball with the ARKit controls and one more."""

    def make(name: str, status: str = "synthetic"):
        path = tmp_path_factory.mktemp("avatars") / f"{name}.dgt"
        command = [os.environ["DGTALKER_ENGINE_PYTHON"], "-I", "-c", MAKE_AVATAR, name, status, str(path)]
        subprocess.run(command, check=True)
        return path

    return make


@pytest.fixture(scope="session")
def ball(make_avatar):
    return make_avatar("Ball")


@pytest.fixture
def head(room, ball):
    return room("head.add").add_head(bpy.context, ball.read_bytes(), filepath=str(ball))


def block(ob, name):
    return ob.data.shape_keys.key_blocks[name]


def positions(points) -> np.ndarray:
    flat = np.empty(len(points) * 3, np.float32)
    points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def names_of_everything() -> set[str]:
    kinds = (bpy.data.objects, bpy.data.meshes, bpy.data.images, bpy.data.materials, bpy.data.shape_keys)
    return {item.name_full for kind in kinds for item in kind}


def test_builtin_head_stands_at_the_cursor_in_real_size(room):
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    assert bpy.ops.dgtalker.add_head() == {"FINISHED"}
    ob = bpy.context.object
    assert tuple(ob.location) == (1.0, 2.0, 3.0)
    assert ob.select_get()
    assert 0.15 < ob.dimensions.x < 0.35, "a head is about 20 cm wide"
    assert 0.2 < ob.dimensions.z < 0.45
    rig = room("head.model").rig_of(ob)
    names = [key.name for key in ob.data.shape_keys.key_blocks]
    assert names[: 1 + len(rig.names)] == ["Basis", *rig.names]
    assert all(" × " in name for name in names[1 + len(rig.names) :]), "correctives come after the controls"
    bpy.context.view_layer.update()
    before = positions(ob.data.vertices)
    block(ob, "jawOpen").value = 1.0
    evaluated = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
    lowered = before[:, 2] - positions(evaluated.data.vertices)[:, 2]
    assert lowered.max() > 0.01, "the jaw opens by more than a centimetre"
    assert before[lowered.argmax(), 1] < -0.05, "at the front of the face"


def test_the_menu_adds_each_character(room):
    names = [name for name, *_ in room("head.add").BUILTIN_HEADS]
    for name in names:
        assert bpy.ops.dgtalker.add_head(builtin=name) == {"FINISHED"}
        ob = bpy.context.object
        assert ob.name == name.capitalize()
        assert len(ob.data.vertices) <= 12_000
    assert len({ob.dgtalker.avatar_hash for ob in bpy.data.objects if ob.type == "MESH"}) == len(names) == 3


def test_every_surface_has_a_material_of_its_own_that_shows_its_colours(room):
    bpy.ops.dgtalker.add_head()
    mesh = bpy.context.object.data
    materials = {material.name.removeprefix("Robin "): material for material in mesh.materials}
    assert {"skin", "lips", "hair", "eye white", "iris", "pupil", "teeth", "mouth", "cloth"} == set(materials)
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    assert np.bincount(slots, minlength=len(materials)).min() > 20
    centres = np.empty(len(slots) * 3, np.float32)
    mesh.polygons.foreach_get("center", centres)
    centres = centres.reshape(-1, 3)
    place = {name: centres[slots == i] for i, name in enumerate(materials)}
    assert place["lips"][:, 1].max() < -0.06, "at the front"
    assert abs(np.abs(place["pupil"][:, 0]).mean() - 0.033) < 0.003
    assert place["hair"][:, 2].max() > 0.12
    assert place["cloth"][:, 2].max() < -0.14
    # in Solid mode: dark pupils in white eyes, hair darker than skin
    light = {name: sum(material.diffuse_color[:3]) for name, material in materials.items()}
    assert light["pupil"] < 0.1 < light["hair"] < light["skin"] < light["eye white"]
    for name, material in materials.items():
        shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        source = shader.inputs["Base Color"].links[0].from_node
        assert source.layer_name == mesh.color_attributes.active_color_name
        glossy = shader.inputs["Roughness"].default_value < 0.15
        assert glossy == (name in ("eye white", "iris", "pupil"))


def test_mesh_has_what_the_avatar_says(head, ball, room):
    reply = room("bridge.engine").request("open_avatar", {}, ball.read_bytes())
    proxy = {
        k: np.asarray(v) for k, v in room("bridge.avatars").arrays.unpack(reply.header["proxy"], reply.body).items()
    }
    mesh = head.data
    assert np.allclose(positions(mesh.vertices), proxy["vertices"])
    assert [len(face.vertices) for face in mesh.polygons] == [int((face >= 0).sum()) for face in proxy["faces"]]
    assert all(face.use_smooth for face in mesh.polygons)
    colours = np.empty(len(mesh.vertices) * 4, np.float32)
    mesh.color_attributes.active_color.data.foreach_get("color", colours)
    assert np.allclose(colours.reshape(-1, 4), proxy["colours"], atol=1e-6)
    corner = mesh.loops[5].vertex_index
    assert np.allclose(mesh.uv_layers.active.uv[5].vector, proxy["uv"][corner])
    moved = positions(block(head, "jawOpen").points) - positions(block(head, "Basis").points)
    names = [control["name"] for control in reply.header["rig"]]
    assert np.allclose(moved, proxy["deltas"][names.index("jawOpen")], atol=1e-6)
    neck = block(head, "neckBend")
    assert (neck.slider_min, neck.slider_max, round(neck.value, 6)) == (-0.5, 0.5, 0.1)
    assert block(head, "jawOpen").value == 0.0


def test_operator_and_function_give_the_same(head, ball, room):
    assert bpy.ops.dgtalker.add_head_from_file(filepath=str(ball)) == {"FINISHED"}
    other = bpy.context.object
    assert other is not head
    assert other.dgtalker.rig == head.dgtalker.rig
    assert other.dgtalker.consent == head.dgtalker.consent
    assert other.dgtalker.avatar == head.dgtalker.avatar, "two heads of one file share the packed avatar"
    assert head.dgtalker.avatar.users == 2
    assert [k.name for k in other.data.shape_keys.key_blocks] == [k.name for k in head.data.shape_keys.key_blocks]


def test_different_avatars_do_not_share(head, make_avatar, room):
    other = room("head.add").add_head(bpy.context, make_avatar("Cube").read_bytes())
    assert other.dgtalker.avatar != head.dgtalker.avatar
    assert other.dgtalker.avatar_hash != head.dgtalker.avatar_hash


def test_saving_and_reopening_keeps_everything(head, ball, tmp_path, room):
    head.name = "Speaker"
    block(head, "jawOpen").value = 0.4
    head.delta_rotation_euler = (0.1, 0.2, 0.3)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    ob = bpy.data.objects["Speaker"]
    assert bytes(ob.dgtalker.avatar.packed_file.data) == ball.read_bytes()
    assert round(block(ob, "jawOpen").value, 6) == 0.4
    assert [round(angle, 6) for angle in ob.delta_rotation_euler] == [0.1, 0.2, 0.3]
    assert len(room("head.model").rig_of(ob).names) == 53
    assert room("bridge.avatars").ensure_open(ob) == ob.dgtalker.avatar_hash


@pytest.mark.parametrize("packed", [True, False])
def test_opening_a_file_starts_nothing_and_reads_no_path_outside_it(head, ball, packed, tmp_path, room):
    if not packed:
        head.dgtalker.avatar.filepath = str(ball)
        head.dgtalker.avatar.unpack(method="USE_ORIGINAL")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    room("bridge.engine").stop()
    seen, listening = [], True

    def note(event, arguments):  # Python has no way to take an audit hook away again
        if listening and (
            event.startswith(("subprocess.", "socket.")) or (event == "open" and arguments[0] == str(ball))
        ):
            seen.append((event, arguments))

    sys.addaudithook(note)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.context.view_layer.update()
    listening = False
    assert seen == []
    assert room("bridge.engine").state().status == "stopped"


def test_appending_brings_the_avatar_along(head, ball, tmp_path, room):
    name = head.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.wm.append(directory=str(tmp_path / "a.blend" / "Object"), filename=name)
    (tmp_path / "a.blend").unlink()
    ob = bpy.data.objects[name]
    assert bytes(ob.dgtalker.avatar.packed_file.data) == ball.read_bytes()
    block(ob, "jawOpen").value = 0.5
    bpy.context.view_layer.update()
    weights = room("head.model").evaluated_weights(ob, bpy.context.evaluated_depsgraph_get())
    assert round(weights["jawOpen"], 6) == 0.5


def test_linked_and_overridden_head(head, ball, tmp_path, room):
    model = room("head.model")
    name = head.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = [name]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    assert linked in model.heads(bpy.context.scene)
    assert room("bridge.avatars").ensure_open(linked) == linked.dgtalker.avatar_hash
    bpy.context.view_layer.objects.active = linked
    assert "Library Override" in model.locked_reason(linked)
    assert not bpy.ops.dgtalker.key_all.poll()
    assert not bpy.ops.dgtalker.make_head_editable.poll()

    overridden = linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
    bpy.context.view_layer.objects.active = overridden
    assert "Make Sliders Editable" in model.locked_reason(overridden)
    assert not bpy.ops.dgtalker.reset_sliders.poll()
    assert bpy.ops.dgtalker.make_head_editable() == {"FINISHED"}
    block(overridden, "jawOpen").value = 0.7
    assert bpy.ops.dgtalker.key_all() == {"FINISHED"}
    overridden.location = (5.0, 0.0, 0.0)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))

    # the library changes so that Blender builds the override anew
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "library.blend"))
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    bpy.data.objects[name].parent = parent
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    ob = next(ob for ob in bpy.context.scene.objects if model.is_head(ob) and ob.override_library)
    assert tuple(ob.location) == (5.0, 0.0, 0.0)
    bpy.context.view_layer.update()
    weights = model.evaluated_weights(ob, bpy.context.evaluated_depsgraph_get())
    assert round(weights["jawOpen"], 6) == 0.7
    assert ob.data.shape_keys.animation_data.action is not None
    assert bytes(ob.dgtalker.avatar.packed_file.data) == ball.read_bytes()
    assert room("bridge.avatars").ensure_open(ob) == ob.dgtalker.avatar_hash


def test_duplicated_head_speaks_for_itself(head, room):
    bpy.ops.object.duplicate()
    copy = bpy.context.object
    assert copy != head
    assert copy.dgtalker.avatar == head.dgtalker.avatar
    block(copy, "jawOpen").value = 1.0
    assert block(head, "jawOpen").value == 0.0
    assert set(room("head.model").heads(bpy.context.scene)) == {head, copy}


def test_lost_controls_come_back_and_others_keep_their_animation(head, room):
    model = room("head.model")
    block(head, "browInnerUp").value = 0.25
    block(head, "browInnerUp").keyframe_insert("value", frame=1)
    before = positions(block(head, "jawOpen").points)
    block(head, "jawOpen").name = "myJaw"
    head.shape_key_remove(block(head, "tongueOut"))
    assert model.missing_controls(head) == ("jawOpen", "tongueOut")
    assert bpy.ops.dgtalker.restore_controls() == {"FINISHED"}
    assert model.missing_controls(head) == ()
    assert np.allclose(positions(block(head, "jawOpen").points), before, atol=1e-6)
    assert block(head, "jawOpen").value == 0.0
    assert "myJaw" in head.data.shape_keys.key_blocks
    bpy.context.scene.frame_set(1)
    assert block(head, "browInnerUp").value == 0.25


def test_all_shape_keys_deleted(head, room):
    model = room("head.model")
    bpy.ops.object.shape_key_remove(all=True)
    assert model.evaluated_weights(head, bpy.context.evaluated_depsgraph_get()) == {}
    assert "no shape keys" in model.locked_reason(head)
    assert not bpy.ops.dgtalker.key_all.poll()
    assert len(room("head.add").restore_controls(head)) == 53
    assert model.locked_reason(head) == ""


def test_restoring_onto_an_edited_mesh_is_refused(head):
    head.shape_key_clear()
    head.data.vertices.add(1)
    with pytest.raises(RuntimeError, match="vertices"):
        bpy.ops.dgtalker.restore_controls()
    assert head.data.shape_keys is None


def test_undo_takes_the_head_away(ball, room):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.dgtalker.add_head_from_file(filepath=str(ball))
    bpy.ops.ed.undo_push(message="Add Gaussian Head")
    assert len(room("head.model").heads(bpy.context.scene)) == 1
    bpy.ops.ed.undo()
    assert room("head.model").heads(bpy.context.scene) == []
    bpy.ops.ed.redo()
    (ob,) = room("head.model").heads(bpy.context.scene)
    assert room("bridge.avatars").ensure_open(ob) == ob.dgtalker.avatar_hash


def test_avatar_is_opened_again_after_the_engine_was_killed(head, room):
    engine = room("bridge.engine")
    avatar = room("bridge.avatars").ensure_open(head)
    shot = {
        "version": 1, "width": 16, "height": 16, "avatars": [avatar], "region": None, "background": None,
        "frames": [{
            "number": 1,
            "camera": {"K": [16, 0, 8, 0, 16, 8, 0, 0, 1],
                       "world_to_camera": [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0.5, 0, 0, 0, 1]},
            "heads": [{"avatar": 0, "matrix": np.eye(4).ravel().tolist(), "weights": {"jawOpen": 0.5}}],
        }],
    }  # fmt: skip
    engine.stop()
    reply = engine.request("render", {}, json.dumps(shot).encode())
    assert (reply.header["width"], reply.header["height"]) == (16, 16)
    assert room("bridge.avatars").ensure_open(head) == avatar


def test_unknown_consent_warns(make_avatar, room):
    path = make_avatar("Stranger", "unknown")
    bpy.ops.dgtalker.add_head_from_file(filepath=str(path))
    ob = bpy.context.object
    assert room("head.model").consent_of(ob)["status"] == "unknown"
    assert room("head.add").consent_lines(ob)[0].startswith("Consent unknown")


def with_header(file: bytes, change) -> bytes:
    """The file with another safetensors header."""
    (length,) = struct.unpack_from("<Q", file)
    header = json.loads(file[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + file[8 + length :]


def truncated(file: bytes) -> bytes:
    return file[: len(file) // 2]


def with_nan(file: bytes) -> bytes:
    (length,) = struct.unpack_from("<Q", file)
    start, _ = json.loads(file[8 : 8 + length])["means"]["data_offsets"]
    start += 8 + length
    return file[:start] + struct.pack("<f", float("nan")) + file[start + 4 :]


def with_a_billion_gaussians(file: bytes) -> bytes:
    def change(header):
        header["means"]["shape"] = [1_000_000_000, 3]

    return with_header(file, change)


def from_a_newer_version(file: bytes) -> bytes:
    def change(header):
        document = json.loads(header["__metadata__"]["dgt"])
        header["__metadata__"]["dgt"] = json.dumps({**document, "format_version": 99})

    return with_header(file, change)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (truncated, "truncated"),
        (with_nan, "hash|finite"),
        (with_a_billion_gaussians, "means|Gaussians"),
        (from_a_newer_version, "version 99"),
        (lambda file: b"", "truncated"),
        (lambda file: b"RIFF" + bytes(1000), "header"),
    ],
)
def test_bad_file_gives_one_message_and_adds_nothing(damage, words, ball, tmp_path):
    path = tmp_path / "bad.dgt"
    path.write_bytes(damage(ball.read_bytes()))
    before = names_of_everything()
    with pytest.raises(RuntimeError, match=words) as caught:
        bpy.ops.dgtalker.add_head_from_file(filepath=str(path))
    assert "bad.dgt" in str(caught.value)
    assert str(caught.value).count("Error") == 1
    assert "Traceback" not in str(caught.value)
    assert names_of_everything() == before


def test_missing_file(tmp_path):
    with pytest.raises(RuntimeError, match=r"gone\.dgt cannot be read: No such file"):
        bpy.ops.dgtalker.add_head_from_file(filepath=str(tmp_path / "gone.dgt"))


def test_no_engine_installed(ball, room, tmp_path, extension):
    preferences = bpy.context.preferences.addons[extension.__name__].preferences
    python = preferences.engine_python
    before = names_of_everything()
    try:
        preferences.engine_python = str(tmp_path / "nowhere" / "python")
        with pytest.raises(RuntimeError, match="nowhere"):
            bpy.ops.dgtalker.add_head_from_file(filepath=str(ball))
        assert names_of_everything() == before
    finally:
        preferences.engine_python = python


def test_lost_and_damaged_avatars_are_named(head, ball, tmp_path, room):
    avatars, error = room("bridge.avatars"), room("bridge.avatars").DGTalkerError
    image = head.dgtalker.avatar
    image.pack(data=truncated(ball.read_bytes()), data_len=ball.stat().st_size // 2)
    with pytest.raises(error, match=r"Ball\.dgt cannot be used.*truncated"):
        avatars.ensure_open(head)
    bpy.data.images.remove(image)
    with pytest.raises(error, match="lost its avatar"):
        avatars.ensure_open(head)
    assert room("head.model").is_head(head)


def test_unpacked_avatar_is_read_from_its_file(head, ball, tmp_path, room):
    avatars = room("bridge.avatars")
    image = head.dgtalker.avatar
    copy = tmp_path / "moved.dgt"
    copy.write_bytes(ball.read_bytes())
    image.unpack(method="REMOVE")
    image.filepath = str(copy)
    assert str(copy) in bpy.utils.blend_paths(absolute=True)
    assert avatars.ensure_open(head) == head.dgtalker.avatar_hash
    copy.unlink()
    with pytest.raises(avatars.DGTalkerError, match=r"is not packed, and its file .*moved\.dgt is missing"):
        avatars.ensure_open(head)


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "[1]", '[{"name": "a"}]', "[" * 100_000, '"x"'])
def test_damaged_strings_of_a_foreign_file(head, text, room):
    model = room("head.model")
    head.dgtalker.consent = text
    assert model.consent_of(head)["status"] == "unknown"
    head.dgtalker.rig = text
    if text:
        with pytest.raises(model.DGTalkerError, match="damaged"):
            model.rig_of(head)
        with pytest.raises(RuntimeError, match="damaged"):
            bpy.ops.dgtalker.restore_controls()
    else:
        assert not model.is_head(head)
