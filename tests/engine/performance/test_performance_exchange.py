"""Performances of other programs come in as they were meant, ours go out as others read them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance, exchange
from dgtalker_engine.performance.exchange.names import control_of
from dgtalker_engine.rig import ARKIT_NAMES, HEAD_NAMES

LIVE_LINK = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,"
    "TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)
"""The first line of a recording of Live Link Face."""

JAW = LIVE_LINK.split(",").index("JawOpen")


def live_link(codes, jaws, head=(0.1, 0.2, 0.3), lost=()):
    """A recording as the app writes it; where the face is lost, the count is 0 and the weights are missing."""
    lines = [LIVE_LINK]
    for i, (code, jaw) in enumerate(zip(codes, jaws, strict=True)):
        values = [f"{0.01:.8f}"] * 52 + [f"{angle:.8f}" for angle in head] + ["0.02000000"] * 6
        values[JAW - 2] = f"{jaw:.8f}"
        lines.append(f"{code},0" if i in lost else ",".join([code, "61", *values]))
    return ("\n".join(lines) + "\n").encode()


def phone_codes(frames, fps=60, start=14 * 3600 + 3 * 60 + 52, first=0):
    return [
        f"{(s := start + (first + i) // fps) // 3600 % 24:02d}:{s // 60 % 60:02d}:{s % 60:02d}"
        f":{(first + i) % fps:02d}.{207 + i % 3:03d}"
        for i in range(frames)
    ]


def a_performance(fps=25.0, frames=60):
    rng = np.random.default_rng(4)
    face = rng.uniform(0, 1, (frames, len(ARKIT_NAMES)))
    head = rng.uniform(-0.3, 0.3, (frames, 3))
    return Performance(fps, ARKIT_NAMES + HEAD_NAMES, np.concatenate([face, head], axis=1).astype("f4"))


def test_a_recording_of_live_link_face():
    jaws = np.linspace(0, 1, 90)
    found = exchange.parse(live_link(phone_codes(90), jaws))
    assert found.fps == 60
    assert found.names == ARKIT_NAMES + HEAD_NAMES
    np.testing.assert_allclose(found.curve("jawOpen"), jaws, atol=0.01)
    np.testing.assert_allclose(found.curve("eyeBlinkLeft"), 0.01, atol=1e-6)


def test_heads_of_live_link_face_turn_as_ours_but_for_the_roll():
    found = exchange.parse(live_link(phone_codes(90), np.zeros(90)))
    np.testing.assert_allclose(found.weights[0, -3:], [0.1, 0.2, -0.3], atol=1e-6)
    degrees = exchange.parse(live_link(phone_codes(90), np.zeros(90), head=(10, 20, 30)))
    np.testing.assert_allclose(np.degrees(degrees.weights[0, -3:]), [10, 20, -30], atol=1e-4)


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_the_frame_rate_is_found_in_the_codes(fps):
    found = exchange.parse(live_link(phone_codes(3 * fps, fps), np.zeros(3 * fps)))
    assert (found.fps, found.frames) == (fps, 3 * fps)


def test_less_than_a_second_is_a_phones_unless_told():
    recording = live_link(phone_codes(10, 30), np.zeros(10))
    assert exchange.parse(recording).fps == 60
    assert exchange.parse(recording, fps=30).fps == 30


def test_dropped_numbers_keep_the_clock():
    # SMPTE 12M: at 29.97 frames a second, ;00 and ;01 are left out of every minute but each tenth.
    codes = [f"00:00:59;{i:02d}" for i in range(30)] + [f"00:01:00;{i:02d}" for i in range(2, 30)]
    found = exchange.parse(live_link(codes, np.arange(58) / 100))
    assert found.fps == pytest.approx(30000 / 1001)
    np.testing.assert_allclose(found.curve("jawOpen"), np.arange(58) / 100, atol=1e-6)


def test_lost_faces_and_lost_frames_are_bridged_and_keep_the_time():
    jaws = np.arange(120) / 120
    whole = exchange.parse(live_link(phone_codes(120), jaws))
    lost = exchange.parse(live_link(phone_codes(120), jaws, lost=range(40, 50)))
    np.testing.assert_allclose(lost.curve("jawOpen"), whole.curve("jawOpen"), atol=0.01)
    codes = phone_codes(120)
    gap = exchange.parse(live_link(codes[:40] + codes[50:], np.concatenate([jaws[:40], jaws[50:]])))
    np.testing.assert_allclose(gap.curve("jawOpen"), whole.curve("jawOpen"), atol=0.01)
    late = exchange.parse(live_link(codes, jaws, lost=range(20)))
    assert late.frames == 120
    np.testing.assert_allclose(late.curve("jawOpen")[20:], whole.curve("jawOpen")[20:], atol=0.01)


def test_a_recording_goes_on_past_midnight():
    found = exchange.parse(live_link(phone_codes(180, start=24 * 3600 - 1), np.zeros(180)))
    assert found.frames == 180


def test_a_json_of_audio2face():
    content = {
        "exportFps": 60,
        "trackPath": "C:\\takes\\line_01.wav",
        "numPoses": 3,
        "numFrames": 2,
        "facsNames": ["eyeBlinkLeft", "jawOpen", "tongueTipUp"],
        "joints": ["jaw"],
        "rotations": [[[0, 0, 0, 1]], [[0, 0, 0, 1]]],
        "weightMat": [[0, 0.5, 0.1], [1, 0.25, 0.2]],
    }
    found = exchange.parse(json.dumps(content).encode())
    assert found.fps == 60
    assert found.names == ("eyeBlinkLeft", "jawOpen", "tongueTipUp")
    np.testing.assert_allclose(found.curve("jawOpen"), [0.5, 0.25])
    # The first versions did not write a frame rate.
    del content["exportFps"]
    with pytest.raises(DGTalkerError, match="frame rate"):
        exchange.parse(json.dumps(content).encode())
    assert exchange.parse(json.dumps(content).encode(), fps=30).fps == 30


@pytest.mark.parametrize("first", ["", ","])
def test_a_table_of_audio2face(first):
    # pandas writes a column of row numbers without a name before it.
    text = f"{first}timeCode,blendShapes.EyeBlinkLeft,blendShapes.JawOpen,blendShapes.MouthSmile_R\n"
    for i, time in enumerate(["0.0", "0.033333", "0.066667", "0.1"]):
        text += f"{i if first else ''}{first}{time},0.5,{0.1 * i:.3f},0.2\n"
    found = exchange.parse(text.encode())
    assert found.fps == 30
    assert found.names == ("eyeBlinkLeft", "jawOpen", "mouthSmileRight")
    np.testing.assert_allclose(found.curve("jawOpen"), [0, 0.1, 0.2, 0.3], atol=1e-6)


def test_tables_of_spreadsheets_and_of_percents():
    semicolons = "\ufefftime;jawOpen;mood\r\n0,00;0,5;happy\r\n0,04;0,75;happy\r\n"
    found = exchange.parse(semicolons.encode())
    assert (found.fps, found.names) == (25, ("jawOpen",))
    np.testing.assert_allclose(found.curve("jawOpen"), [0.5, 0.75])
    percents = "frame\tJawOpen\n0\t50\n1\t75\n"
    found = exchange.parse(percents.encode("utf-16"), fps=25)
    np.testing.assert_allclose(found.curve("jawOpen"), [0.5, 0.75])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("EyeBlinkLeft", "eyeBlinkLeft"),
        ("eyeBlink_L", "eyeBlinkLeft"),
        ("eye_blink.left", "eyeBlinkLeft"),
        ("face:eyeBlink.L", "eyeBlinkLeft"),
        ("blendShapes.JawLeft", "jawLeft"),
        ("JAWOPEN", "jawOpen"),
        ("mouth roll upper", "mouthRollUpper"),
        ("HeadYaw", "headYaw"),
        ("LeftEyeYaw", None),
        ("Basis", None),
        ("", None),
    ],
)
def test_names_in_any_spelling(name, meant):
    assert control_of(name) == meant


@pytest.mark.parametrize("name", ["json", "livelink"])
@pytest.mark.parametrize("fps", [23.976, 24000 / 1001, 25, 30000 / 1001, 30, 60])
def test_what_goes_out_comes_back(tmp_path, name, fps):
    performance = a_performance(fps, frames=80)
    path = tmp_path / f"face{exchange.FORMATS[name].suffix}"
    exchange.write(performance, path, name)
    back = exchange.read(path)
    assert back.fps == pytest.approx(fps, rel=1e-4)
    assert back.names == performance.names
    np.testing.assert_allclose(back.weights, performance.weights, atol=1e-5)


@pytest.mark.parametrize("name", ["audio2face", "audio2face-csv"])
def test_audio2face_gets_the_face_without_the_head(tmp_path, name):
    performance = a_performance()
    exchange.write(performance, tmp_path / "face", name)
    back = exchange.read(tmp_path / "face")
    assert (back.fps, back.names) == (25, ARKIT_NAMES)
    np.testing.assert_allclose(back.weights, performance.weights[:, :-3], atol=1e-5)


def test_live_link_face_gets_all_61_columns_in_its_order(tmp_path):
    performance = a_performance(60)
    exchange.write(performance, tmp_path / "face.csv")
    rows = list(csv.reader((tmp_path / "face.csv").read_text().splitlines()))
    assert ",".join(rows[0]) == LIVE_LINK
    assert {row[1] for row in rows[1:]} == {"61"}
    assert {len(row) for row in rows} == {63}
    assert [row[0] for row in rows[1:3]] == ["00:00:00:00.000", "00:00:00:01.000"]


def test_eyes_that_look_left_are_turned_left_for_live_link_face(tmp_path):
    weights = np.array([[1.0, 1.0, 0.0]], "f4")
    exchange.write(Performance(30, ("eyeLookOutLeft", "eyeLookInRight", "jawOpen"), weights), tmp_path / "face.csv")
    row = next(csv.DictReader((tmp_path / "face.csv").open()))
    assert np.degrees(float(row["LeftEyeYaw"])) == pytest.approx(35)
    assert np.degrees(float(row["RightEyeYaw"])) == pytest.approx(35)


def test_controls_of_other_rigs_stay_in_our_json(tmp_path):
    performance = Performance(25, ("latent_1", "jawOpen"), np.array([[0.5, -3.0]], "f4"))
    exchange.write(performance, tmp_path / "face.json")
    assert exchange.read(tmp_path / "face.json").names == performance.names
    strange = Performance(25, ("latent_1",), np.zeros((1, 1), "f4"))
    with pytest.raises(DGTalkerError, match="ARKit"):
        exchange.write(strange, tmp_path / "face.csv")


def test_half_an_hour_comes_in_and_goes_out_in_seconds(tmp_path):
    performance = a_performance(60, 60)
    weights = np.tile(performance.weights, (60 * 5, 1))
    exchange.write(Performance(60, performance.names, weights), tmp_path / "face.csv")
    assert exchange.read(tmp_path / "face.csv").frames == 60 * 60 * 5


GOOD = live_link(phone_codes(90), np.zeros(90)).decode()
DAMAGED = {
    "empty": b"",
    "no text": bytes(range(128, 256)),
    "half a mark": b"\xff\xfe\x00",
    "cut JSON": json.dumps({"facsNames": ["jawOpen"], "weightMat": [[0.1]]})[:-4].encode(),
    "deep JSON": b"[" * 100_000,
    "another JSON": b'{"weights": 3}',
    "a list": b"[1, 2, 3]",
    "ragged matrix": b'{"exportFps": 30, "facsNames": ["jawOpen"], "numFrames": 2, "weightMat": [[0.1], [0.1, 0.2]]}',
    "too few frames": b'{"exportFps": 30, "facsNames": ["jawOpen"], "numFrames": 9, "weightMat": [[0.1]]}',
    "huge number": b'{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[1' + b"0" * 400 + b"]]}",
    "our JSON, a huge number": b'{"fps": 25, "names": ["jawOpen"], "weights": [[1' + b"0" * 400 + b"]]}",
    "infinite weight": b'{"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[Infinity]]}',
    "no rate": b'{"exportFps": null, "facsNames": ["jawOpen"], "weightMat": [[0.5]]}',
    "backward rate": b'{"exportFps": -30, "facsNames": ["jawOpen"], "weightMat": [[0.5]]}',
    "names that are none": b'{"exportFps": 30, "facsNames": 3, "weightMat": [[0.5]]}',
    "our JSON, ragged": b'{"fps": 25, "names": ["jawOpen"], "weights": [[0.1], []]}',
    "our JSON, a name twice": b'{"fps": 25, "names": ["jawOpen", "jawOpen"], "weights": [[0.1, 0.1]]}',
    "header alone": LIVE_LINK.encode(),
    "prose": b"Dear diary, today I lost my face.\nIt was grand, though.\n",
    "a word for a weight": GOOD.replace("0.01000000", "x", 1).encode(),
    "not a number": GOOD.replace("0.01000000", "nan", 1).encode(),
    "a wrong time code": GOOD.replace("14:03:52:07", "noon", 1).encode(),
    "a missing time": GOOD.replace("14:03:52:07.208", "", 1).encode(),
    "a time code of ages": b"timecode,jawOpen\n" + b"9" * 400 + b":00:00:00,0.5\n",
    "no time at all": b"jawOpen\n0.5\n0.6\n",
    "times of years": b"time,jawOpen\n0,0.5\n0.01,0.5\n1e12,0.5\n",
    "times too near": b"time,jawOpen\n0,0.5\n1e-300,0.5\n2e-300,0.5\n",
    "a control twice": b"time,jawOpen,JawOpen\n0,0.5,0.5\n",
    "an open quote": b'time,jawOpen\n0,"' + b"0" * 200_000,
    "a null": b"time,jawOpen\n0,\0\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_one_clear_error_with_a_hint(tmp_path, name):
    (tmp_path / "face.csv").write_bytes(DAMAGED[name])
    with pytest.raises(DGTalkerError) as caught:
        exchange.read(tmp_path / "face.csv")
    assert caught.value.message.startswith("face.csv: ")
    assert caught.value.hint


def test_a_rate_in_whole_numbers_stays_one():
    for fps in (25, 25.0):
        assert '"exportFps": 25,' in exchange.FORMATS["audio2face"].text(a_performance(fps, frames=2))


def test_every_cut_of_a_file_is_read_or_refused():
    for content in (GOOD.encode()[:3000], exchange.FORMATS["audio2face"].text(a_performance(frames=2)).encode()):
        for end in range(0, len(content), 37):
            try:
                exchange.parse(content[:end])
            except DGTalkerError:
                continue


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(DGTalkerError, match="cannot be read"):
        exchange.read(tmp_path / "missing.csv")
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(DGTalkerError, match="too large"):
        exchange.read(tmp_path / "huge.csv")
    with pytest.raises(DGTalkerError, match="says no format"):
        exchange.write(a_performance(), tmp_path / "face.fbx")
    with pytest.raises(DGTalkerError, match="no format 'fbx'"):
        exchange.write(a_performance(), tmp_path / "face.csv", "fbx")
    with pytest.raises(DGTalkerError, match="cannot be written"):
        exchange.write(a_performance(), tmp_path / "missing" / "face.csv")


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path):
    exchange.write(a_performance(), tmp_path / "face.csv")
    before = (tmp_path / "face.csv").read_bytes()
    resource = pytest.importorskip("resource")  # not on Windows
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(DGTalkerError, match="cannot be written"):
            exchange.write(a_performance(), tmp_path / "face.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (tmp_path / "face.csv").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("fps", [float("nan"), float("inf"), 0.0, -25.0])
def test_impossible_rates_are_refused(fps):
    with pytest.raises(DGTalkerError, match="cannot run"):
        exchange.parse(b"{}", fps)
