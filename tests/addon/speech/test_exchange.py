"""Performances of other programs in Blender, on heads and on any mesh with ARKit's names."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest


@pytest.fixture
def make_mesh():
    """`make_mesh(name, shape_keys)`: a mesh of somebody else's rig."""

    def make(name: str, shape_keys: list[str], parent: bpy.types.Object | None = None) -> bpy.types.Object:
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata([(0, 0, 0), (0.1, 0, 0), (0, 0, 0.1)], [], [(0, 1, 2)])
        ob = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(ob)
        ob.parent = parent
        for each in ["Basis", *shape_keys]:
            ob.shape_key_add(name=each).value = 0.0
        return ob

    return make


PREFIXED = ["Face.eyeBlink_L", "Face.eyeBlink_R", "Face.JawOpen", "Face.mouth_close", "Face.mouthSmile.L", "nose grows"]
LIVELINK = [
    "Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeBlinkRight", "JawOpen", "MouthClose", "MouthSmileLeft",
    "TongueOut", "HeadYaw", "HeadPitch", "HeadRoll",
]  # fmt: skip


@pytest.fixture
def livelink(tmp_path):
    """A second of Live Link Face at 60 frames per second: a jaw that opens, a smile of 0.4, a turn of the head."""
    rows = [",".join(LIVELINK)]
    for i in range(61):
        values = [0.0, 0.0, i / 60, 0.0, 0.4, 0.0, 0.1, 0.2, 0.0]
        rows.append(f"11:22:{33 + i // 60}:{i % 60:02d}.000,61," + ",".join(f"{value:.9f}" for value in values))
    path = tmp_path / "MySlate_1_iPhone.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def audio2face(tmp_path):
    """Half a second of Audio2Face at 30 frames per second."""
    names = ["EyeBlinkLeft", "JawOpen", "MouthClose"]
    weights = [[0.0, i / 15, 0.1] for i in range(16)]
    content = {
        "exportFps": 30.0, "trackPath": "voice.wav", "numPoses": 3, "numFrames": 16,
        "facsNames": names, "weightMat": weights,
    }  # fmt: skip
    path = tmp_path / "a2f_export_bsweight.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def select(ob: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = ob
    ob.select_set(True)


def value(ob: bpy.types.Object, name: str, frame: int) -> float:
    bpy.context.scene.frame_set(frame)
    return ob.data.shape_keys.key_blocks[name].value


def test_live_link_face_plays_on_a_head_in_the_scenes_frames(make_head, livelink):
    head = make_head()
    select(head)
    bpy.ops.dgtalker.import_performance(filepath=str(livelink), first=100)
    assert [value(head, "jawOpen", frame) for frame in (100, 112, 124)] == pytest.approx([0.0, 0.5, 1.0], abs=1e-4)
    assert value(head, "mouthSmileLeft", 110) == pytest.approx(0.4, abs=1e-4)
    assert head.delta_rotation_euler.x == pytest.approx(0.2, abs=0.01)
    assert head.delta_rotation_euler.z == pytest.approx(0.1, abs=0.01)


def test_any_mesh_with_arkits_names_plays_too(make_mesh, livelink):
    face = make_mesh("Face", PREFIXED)
    select(face)
    bpy.ops.dgtalker.import_performance(filepath=str(livelink), first=1)
    assert value(face, "Face.JawOpen", 25) == pytest.approx(1.0, abs=1e-4)
    assert value(face, "Face.mouthSmile.L", 25) == pytest.approx(0.4, abs=1e-4)
    assert value(face, "nose grows", 25) == 0.0
    assert tuple(face.delta_rotation_euler) == (0.0, 0.0, 0.0)


def test_teeth_and_eyes_of_the_same_armature_play_along(make_mesh, livelink):
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    face = make_mesh("Face", PREFIXED, armature)
    arkit = ["jawOpen", "mouthClose", "mouthSmileLeft", "tongueOut", "eyeBlinkLeft"]
    teeth = make_mesh("Teeth", arkit, armature)
    stranger = make_mesh("Stranger", arkit)
    select(face)
    bpy.ops.dgtalker.import_performance(filepath=str(livelink), first=1)
    assert value(teeth, "jawOpen", 25) == pytest.approx(1.0, abs=1e-4)
    assert value(stranger, "jawOpen", 25) == 0.0
    bpy.ops.dgtalker.clear_speech()
    assert teeth.data.shape_keys.animation_data.action is None


def test_an_arkit_mesh_speaks_a_strip_and_follows_its_sliders(make_mesh, add_strip, voice, curve):
    face = make_mesh("Face", PREFIXED)
    strip = add_strip(voice, 30, face)
    bpy.ops.dgtalker.animate()
    assert curve(face, "Face.JawOpen").max() > 0.15
    assert tuple(face.delta_rotation_euler) == (0.0, 0.0, 0.0)
    strip.dgtalker.jaw = 0.0
    assert curve(face, "Face.JawOpen")[4:-4].max() == 0.0
    face.dgtalker_speech.turns = True
    bpy.context.scene.frame_set(55)
    assert any(face.delta_rotation_euler)
    face.dgtalker_speech.turns = False
    assert not any(face.delta_rotation_euler)


def test_audio2face_plays(make_head, audio2face):
    head = make_head()
    select(head)
    bpy.ops.dgtalker.import_performance(filepath=str(audio2face), first=1)
    assert value(head, "jawOpen", 13) == pytest.approx(1.0, abs=1e-4)
    assert value(head, "mouthClose", 7) == pytest.approx(0.1, abs=1e-4)


@pytest.mark.parametrize(
    ("format", "suffix"),
    [("json", ".json"), ("livelink", ".csv"), ("audio2face", ".json"), ("audio2face-csv", ".csv")],
)
def test_what_is_seen_is_what_is_exported_and_comes_back(
    animated, curve, spoken_frames, make_head, tmp_path, format, suffix
):
    head, _ = animated()
    block = head.data.shape_keys.key_blocks["browInnerUp"]
    block.value = 0.6
    block.keyframe_insert("value", frame=40)
    frame = bpy.context.scene.frame_current
    select(head)
    path = tmp_path / f"out{suffix}"
    bpy.ops.dgtalker.export_performance(filepath=str(path), format=format)
    assert bpy.context.scene.frame_current == frame
    other = make_head("Bob")
    select(other)
    first = spoken_frames(head).start
    bpy.ops.dgtalker.import_performance(filepath=str(path), first=first)
    for name in ("jawOpen", "mouthFunnel", "browInnerUp", "eyeBlinkLeft"):
        assert np.abs(curve(other, name) - curve(head, name)).max() < 1e-3
    if format in ("json", "livelink"):
        bpy.context.scene.frame_set(first + 30)
        assert any(head.delta_rotation_euler)
        assert np.abs(np.array(other.delta_rotation_euler) - np.array(head.delta_rotation_euler)).max() < 1e-3


@pytest.mark.parametrize("mode", ["XYZ", "ZYX", "QUATERNION"])
def test_a_turned_head_exports_its_own_nods(make_head, livelink, tmp_path, mode):
    head = make_head()
    head.rotation_mode = mode
    if mode == "QUATERNION":
        head.rotation_quaternion = (0.5, 0.5, -0.5, 0.5)
    else:
        head.rotation_euler = (0.3, -0.2, 1.2)
    select(head)
    bpy.ops.dgtalker.import_performance(filepath=str(livelink), first=1)
    path = tmp_path / "out.json"
    bpy.ops.dgtalker.export_performance(filepath=str(path), format="json")
    content = json.loads(path.read_text(encoding="utf-8"))
    turn = dict(zip(content["names"], content["weights"][10], strict=True))
    assert [turn[name] for name in ("headYaw", "headPitch", "headRoll")] == pytest.approx([0.1, 0.2, 0.0], abs=1e-3)


def test_a_mesh_exports_only_what_it_has(make_mesh, livelink, tmp_path):
    face = make_mesh("Face", PREFIXED)
    select(face)
    bpy.ops.dgtalker.import_performance(filepath=str(livelink), first=1)
    path = tmp_path / "out.json"
    bpy.ops.dgtalker.export_performance(filepath=str(path), format="json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert set(content["names"]) == {"eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthClose", "mouthSmileLeft"}
    assert len(content["weights"]) == 25


def test_importing_is_said_and_keeps_hand_keys(room, animated, livelink):
    head, strip = animated()
    block = head.data.shape_keys.key_blocks["browInnerUp"]
    block.value = 0.6
    block.keyframe_insert("value", frame=40)
    select(head)
    bpy.ops.dgtalker.import_performance(filepath=str(livelink), first=1)
    assert value(head, "browInnerUp", 40) == pytest.approx(0.6)
    before = value(head, "jawOpen", 12)
    strip.dgtalker.jaw = 0.0
    assert value(head, "jawOpen", 12) == before > 0.3


def test_files_that_cannot_be_played_change_nothing(animated, curve, tmp_path):
    head, _ = animated()
    select(head)
    before = curve(head, "jawOpen")
    for name, text, message in (
        ("notes.csv", "Dear Sir,or Madam\n1,2\n", "ARKit"),
        ("a.json", '{"hello": 1}', "no performance"),
        ("cut.json", '{"fps": 25, "names"', "no complete JSON"),
        ("bare.csv", "JawOpen,MouthClose\n0.1,0.2\n0.3,0.2\n", "frames per second"),
    ):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RuntimeError, match=message):
            bpy.ops.dgtalker.import_performance(filepath=str(path), first=1)
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.dgtalker.import_performance(filepath=str(tmp_path / "none.csv"), first=1)
    assert np.array_equal(curve(head, "jawOpen"), before)
    bpy.ops.dgtalker.import_performance(filepath=str(tmp_path / "bare.csv"), first=1, fps=24.0)
    assert value(head, "jawOpen", 2) == pytest.approx(0.3, abs=1e-4)


def test_the_buttons_say_what_they_need(make_mesh, make_head, tmp_path):
    for operator in (bpy.ops.dgtalker.import_performance, bpy.ops.dgtalker.export_performance):
        with pytest.raises(RuntimeError, match="Select a Gaussian head, or a mesh"):
            operator(filepath=str(tmp_path / "x.json"))
    select(make_mesh("Box", ["Wide", "Tall"]))
    with pytest.raises(RuntimeError, match="Select a Gaussian head, or a mesh"):
        bpy.ops.dgtalker.export_performance(filepath=str(tmp_path / "x.json"))
    select(make_head())
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.dgtalker.export_performance(filepath=str(tmp_path / "missing" / "x.json"))


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("eyeBlinkLeft", "eyeBlinkLeft"),
        ("EyeBlinkLeft", "eyeBlinkLeft"),
        ("eyeBlink_L", "eyeBlinkLeft"),
        ("eye_blink.R", "eyeBlinkRight"),
        ("Face.eyeBlink_L", "eyeBlinkLeft"),
        ("head|mouthSmileRight", "mouthSmileRight"),
        ("ARKit:browInnerUp", "browInnerUp"),
        ("jawLeft", "jawLeft"),
        ("mouthRight", "mouthRight"),
        ("A14_Eye_Blink_Left", "eyeBlinkLeft"),
        ("A25_Jaw_Open", "jawOpen"),
        ("A01_Brow_Inner_Up", "browInnerUp"),
        ("A25_Jaw_Open.001", "jawOpen"),
        ("jawOpen.001", "jawOpen"),
        ("ARKit_jawOpen", "jawOpen"),
        ("Blendshape-jawOpen", "jawOpen"),
        ("cheekPuff_jawOpen", None),
        ("not jawOpen", None),
        ("A25", None),
        ("viseme_PP", None),
        ("L", None),
        ("headYaw", None),
        ("", None),
    ],
)
def test_names_of_other_rigs_are_understood(room, name, control):
    assert room("speech.timeline.arkit_names").control_of(name) == control
