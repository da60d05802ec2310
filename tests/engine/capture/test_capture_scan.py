"""The scan: cuts, whose face it is, and the square that holds it."""

from __future__ import annotations

import made_videos as made
import numpy as np
import pytest

from dgtalker_engine.capture.person import follow, square_crop
from dgtalker_engine.capture.scan import Look, Scan, find_cuts, scan
from dgtalker_engine.capture.video import Video
from dgtalker_engine.errors import DGTalkerError

SIZE = (1280, 720)


def scanned(*boxes_of_looks, cuts=(0,), fps=25.0):
    """A scan of looks with these face boxes (left, top, right, bottom), 5 frames apart."""
    looks = []
    for i, boxes in enumerate(boxes_of_looks):
        faces = np.array(boxes, float).reshape(-1, 4)
        looks.append(Look(frame=5 * i, time=5 * i / fps, boxes=faces, tops=faces[:, 1] - 40))
    return Scan(times=np.arange(5 * len(looks)) / fps, cuts=cuts, looks=tuple(looks))


def box(x, y, side):
    return (x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def test_cuts_are_found_and_flashes_and_motion_are_none():
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 255, (2, 24, 24, 3))
    film = np.array([one] * 30 + [two] * 30, np.uint8)
    film[10:12] = 255  # a flash
    for i in range(30, 60):
        film[i] = np.clip(two + 4.0 * (i % 3), 0, 255)
    assert find_cuts(film) == (0, 30)


def test_the_rate_is_what_most_pictures_keep():
    steady = np.arange(100) / 29.97
    phone = np.delete(np.arange(100) / 30 + 0.002 * np.sin(np.arange(100)), [20, 21, 50])
    for times, fps in ((steady, 30000 / 1001), (np.round(steady, 3), 30000 / 1001), (phone, 30.0)):
        found = Scan(times=times, cuts=(0,), looks=()).fps
        assert found == pytest.approx(fps, rel=2e-3)


def test_no_face_at_all_and_a_face_too_small_are_refused():
    with pytest.raises(DGTalkerError, match=r"No face was found in a\.mp4"):
        follow(scanned([], [], []), SIZE, "a.mp4")
    with pytest.raises(DGTalkerError, match="is 60 px high; it needs 96") as error:
        follow(scanned(*[[box(640, 360, 60)]] * 5), SIZE, "a.mp4")
    assert "nearer" in error.value.hint


def test_the_largest_and_most_central_face_is_followed_although_others_come_and_go():
    speaker = [box(600 + 4 * i, 350, 260) for i in range(10)]
    guest = box(1100, 300, 150)
    looks = [[guest, face] if i % 2 else [face] for i, face in enumerate(speaker)]
    followed = follow(scanned(*looks), SIZE, "a.mp4")
    assert np.array_equal(followed.boxes, speaker)
    assert any("Other faces" in note for note in followed.notes)


def test_two_faces_with_the_same_claim_are_refused():
    looks = [[box(400, 360, 250), box(880, 360, 250)]] * 8
    with pytest.raises(DGTalkerError, match="several faces of about the same size") as error:
        follow(scanned(*looks), SIZE, "a.mp4")
    assert "Crop the video" in error.value.hint
    followed = follow(scanned(*looks, *[[box(640, 360, 300)]] * 3, cuts=(0, 40)), SIZE, "a.mp4")
    assert followed.start == pytest.approx(40 / 25), "a shot of one of them alone is taken rather"


def test_of_several_shots_the_one_that_shows_the_face_the_longest_is_taken():
    looks = [[box(640, 360, 280)]] * 4 + [[]] * 12 + [[box(300, 300, 250)]] * 6
    followed = follow(scanned(*looks, cuts=(0, 20, 80)), SIZE, "a.mp4")
    assert (followed.start, followed.end) == pytest.approx((80 / 25, 109 / 25))
    assert any("3 shots" in note for note in followed.notes)


@pytest.mark.parametrize("place", [(640, 360), (150, 200), (1200, 600)])
def test_the_crop_holds_face_and_hair_and_stays_in_the_picture(place):
    looks = [[box(place[0] + 10 * np.sin(i), place[1], 240)] for i in range(10)]
    followed = follow(scanned(*looks), SIZE, "a.mp4")
    crop = square_crop(followed, SIZE)
    assert 0 <= crop.x <= SIZE[0] - crop.side
    assert 0 <= crop.y <= SIZE[1] - crop.side
    low, high = followed.boxes[:, :2].min(axis=0), followed.boxes[:, 2:].max(axis=0)
    inside = np.clip([*low, *high], 0, [*SIZE, *SIZE])
    assert crop.x <= inside[0]
    assert crop.y <= max(0, inside[1] - 40)
    assert crop.x + crop.side >= inside[2]
    assert crop.y + crop.side >= inside[3]
    if place == (640, 360):
        assert crop.side > 1.5 * 240, "with room for hair and shoulders"


def test_where_the_picture_is_too_low_shoulders_go_before_hair():
    looks = [[box(640, 340, 500)]] * 5
    crop = square_crop(follow(scanned(*looks), SIZE, "a.mp4"), SIZE)
    assert crop.side == 720
    looks = [[box(640, 500, 420)]] * 5
    crop = square_crop(follow(scanned(*looks), (1280, 900), "a.mp4"), (1280, 900))
    assert crop.y <= 500 - 210 - 40


@pytest.mark.usefixtures("landmarker")
def test_a_small_face_in_a_wide_picture_is_found(tmp_path):
    wide = np.full((360, 1280, 3), 90, np.uint8)
    wide[100:340, 900:1140] = made.head()
    video = Video.open(made.write_video(tmp_path / "wide.mp4", [wide] * 6))
    found = scan(video, 0.0, np.inf, lambda fraction, text: None)
    assert len(found.times) == 6
    assert [len(look.boxes) for look in found.looks] == [1, 1]
    left, top, right, bottom = found.looks[0].boxes[0]
    assert 940 < left < right < 1100
    assert 150 < top < bottom < 340
    assert 100 <= found.looks[0].tops[0] < top, "hair included"
