"""How heads are made: what Cycles renders is where the Gaussians are, and a fit brings them nearer to it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dgtalker_engine import avatar
from dgtalker_engine.avatar.base import FORMAT_VERSION, Consent, Metadata, ProxyMesh
from dgtalker_engine.avatar.kinds.linear.model import LinearAvatar
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.heads.__main__ import main
from dgtalker_engine.heads.code_digest import digest
from dgtalker_engine.heads.cycles import views
from dgtalker_engine.heads.cycles.cycles_render import render_pictures
from dgtalker_engine.heads.cycles.meshes import insides
from dgtalker_engine.heads.fit import Fit, Settings, fit, fitted, psnr, twins, weights_of
from dgtalker_engine.heads.sculpture import mouth, splats
from dgtalker_engine.heads.sculpture.character import CHARACTERS
from dgtalker_engine.heads.sculpture.deform import CORRECTIVES, RIG
from dgtalker_engine.heads.sculpture.surfels import Part, Surfels
from dgtalker_engine.heads.sculpture.warp import Warp

REPOSITORY = Path(__file__).resolve().parents[3]
BLENDER = REPOSITORY / ".build" / "envs" / "blender-5.2"
PYTHON = next((path for path in (BLENDER / "bin/python", BLENDER / "Scripts/python.exe") if path.exists()), None)
ROBIN = CHARACTERS["robin"]
OPEN = views.FacePose("jawOpen", {"jawOpen": 1.0}, ())


@pytest.fixture(scope="module")
def inside() -> LinearAvatar:
    """Robin's teeth and tongue without the face around them, which would take much longer."""
    surfels = Surfels.join([mouth.tongue(), *(mouth.teeth(upper).both_sides() for upper in (True, False))])
    warp = Warp(ROBIN.shape)
    base = splats.base_arrays(warp.surfels(surfels))
    consent = Consent(subject="Nobody", scope="Tests", granted_by="DGTalker", date="", status="synthetic")
    metadata = Metadata(
        format_version=FORMAT_VERSION,
        kind="linear",
        name="Inside",
        rig=RIG,
        consent=consent,
        licence="CC0-1.0",
        hash="",
        correctives=CORRECTIVES,
    )
    triangle = ProxyMesh(
        vertices=np.zeros((3, 3), np.float32),
        faces=np.array([[0, 1, 2, -1]], np.int32),
        uv=np.zeros((3, 2), np.float32),
        colours=np.ones((3, 4), np.float32),
        deltas=np.zeros((len(RIG.controls) + len(CORRECTIVES), 3, 3), np.float32),
        correctives=CORRECTIVES,
    )
    return LinearAvatar(metadata=metadata, base=base, deltas=splats.deltas(surfels, base, warp), sculpted=triangle)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    if PYTHON is None:
        pytest.skip("there is no environment with bpy 5.2: python build.py test makes it")
    wanted = {Part.TONGUE, Part.UPPER_TEETH, Part.LOWER_TEETH}
    sheets = [sheet for sheet in insides(ROBIN) if set(sheet.surfels.part) <= wanted]
    seen = [(views.REST, views.View(azimuth, 0, close=True).camera(80)) for azimuth in (-30, 0, 15, 30)]
    seen += [(OPEN, views.View(azimuth, 0, close=True).camera(80)) for azimuth in (-10, 20)]
    counts: list[int] = []
    folder = tmp_path_factory.mktemp("job")
    taken = render_pictures(
        sheets, Warp(ROBIN.shape), blender=PYTHON, folder=folder, shots=seen, samples=8, progress=counts.append
    )
    assert counts == [1, 2, 3, 4, 5, 6]
    return taken


def test_cycles_and_gaussians_cover_the_same_pixels_also_where_the_jaw_opens(inside, pictures):
    for picture in (pictures[1], pictures[4]):
        ours = render(inside.pose(weights_of(inside, picture.pose.weights)), picture.camera)
        theirs, our = picture.alpha > 0.5, np.asarray(ours.alpha) > 0.5
        # discs reach out over the meshes' edges
        assert (theirs & our).sum() > 0.97 * theirs.sum()
        assert (theirs & our).sum() > 0.55 * our.sum()


def test_a_fit_comes_nearer_to_pictures_that_it_has_not_seen_and_keeps_the_symmetry(inside, pictures):
    shown = [picture for i, picture in enumerate(pictures) if i != 2]
    losses: list[float] = []
    found = fit(
        inside,
        np.ones(len(inside.base["means"])),
        shown,
        ["jawOpen"],
        Settings(steps=50),
        lambda step, loss: losses.append(loss),
    )
    better = avatar.load(avatar.pack(fitted(inside, found)))
    assert psnr(better, pictures[2]) > psnr(inside, pictures[2]) + 2
    assert losses[-1] < 0.6 * losses[0]
    pairs = twins(inside.base["means"])
    for name in ("scales", "opacities"):
        array = fitted(inside, found).base[name].reshape(len(pairs), -1)
        first = np.unique(pairs, return_index=True)[1]
        np.testing.assert_allclose(array, array[first][pairs], rtol=1e-5)
    assert np.array_equal(fitted(inside, found).base["means"], inside.base["means"])
    behind = inside.base["means"][:, 1] > -0.04
    assert np.abs(found.changes["jawOpen"][~behind]).max() > 0
    assert not found.changes["jawOpen"][behind].any(), "the pictures of a pose show the face, not what lies behind"


def test_a_blender_that_cannot_render_is_a_message(tmp_path):
    shots = [(views.REST, views.HELD_OUT[0].camera(16))]
    with pytest.raises(DGTalkerError, match="rendered 0 of 1"):
        render_pictures(
            [], Warp(ROBIN.shape), blender=Path("false"), folder=tmp_path, shots=shots, samples=1, progress=print
        )


def test_what_pose_changes_is_shared_across_the_middle(inside):
    count = len(inside.base["means"])
    base = inside.base
    change = np.full((count, 3), 0.5, np.float32)
    found = Fit(
        np.pad(base["sh"], ((0, 0), (0, 3), (0, 0))), base["opacities"], np.ones((count, 3), np.float32),
        {"mouthSmile": change},
    )  # fmt: skip
    head = fitted(inside, found)
    rest = np.asarray(head.pose(weights_of(head, {})).sh)
    both = np.asarray(head.pose(weights_of(head, views.both(mouthSmile=1.0))).sh)
    np.testing.assert_allclose(both[:, 0] - rest[:, 0], 0.5, atol=0.04)
    left = np.asarray(head.pose(weights_of(head, {"mouthSmileLeft": 1.0})).sh)
    right = base["means"][:, 0] < -0.01
    assert np.array_equal(left[right], rest[right])


def test_the_check_names_heads_that_other_code_made(tmp_path, capsys):
    (tmp_path / "report.json").write_text(f'{{"robin": {{"code": "{digest()}"}}, "wren": {{"code": "0"}}}}')
    assert main(["--check", "robin", "-o", str(tmp_path)]) == 0
    assert main(["--check", "-o", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "robin" not in said
    assert "wren" in said
    assert "heron" in said


def test_a_character_that_is_not_there_names_the_others(capsys):
    assert main(["nobody"]) == 1
    assert "heron" in capsys.readouterr().err


@pytest.mark.parametrize("name", avatar.BUILTIN_NAMES)
def test_a_shipped_head_is_small_and_is_the_one_of_the_report(name):
    report = json.loads((avatar.ASSETS / "report.json").read_text(encoding="utf-8"))[name]
    data = avatar.builtin(name)
    assert len(data) == report["bytes"] <= 6_000_000
    head = avatar.load(data)
    assert isinstance(head, LinearAvatar)
    assert head.metadata.consent.status == "synthetic"
    assert len(head.base["means"]) == report["gaussians"]
