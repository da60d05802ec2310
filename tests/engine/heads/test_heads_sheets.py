"""The sheets of the documentation, drawn small."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgtalker_engine import avatar
from dgtalker_engine.heads import sheets
from dgtalker_engine.heads.expression_presets import EMOTIONS, VISEMES
from dgtalker_engine.rig import ARKIT_NAMES


@pytest.fixture(scope="module")
def robin():
    return avatar.load(avatar.builtin("robin"))


def test_recipes_are_weights_of_arkit_controls():
    assert len(VISEMES) == 15
    assert len(EMOTIONS) == 12
    for weights in (*VISEMES.values(), *EMOTIONS.values()):
        assert set(weights) <= set(ARKIT_NAMES)
        assert all(0 < weight <= 1 for weight in weights.values())


def test_visemes_have_the_same_names_on_the_sheets_and_on_the_timeline(addon, monkeypatch):
    for name in ("speech", "speech.timeline"):  # without what these packages import, which needs Blender
        package = types.ModuleType(f"blender_addon.{name}")
        package.__path__ = [str(Path(addon.__path__[0], *name.split(".")))]
        monkeypatch.setitem(sys.modules, package.__name__, package)
    marker_names = importlib.import_module("blender_addon.speech.timeline.marker_names")
    assert set(marker_names.VISEMES.values()) == set(VISEMES)


def cells(sheet: Image.Image, size: tuple[int, int]) -> list[np.ndarray]:
    picture = np.asarray(sheet).astype(float)
    rows, columns = picture.shape[0] // size[1], picture.shape[1] // size[0]
    grid = picture.reshape(rows, size[1], columns, size[0], 3).swapaxes(1, 2)
    return list(grid.reshape(-1, size[1], size[0], 3))


def test_each_blendshape_is_seen_beside_the_face_at_rest(robin):
    size = (48, 54)
    drawn = cells(sheets.shapes(robin, size), size)
    assert len(drawn) == 7 * 9
    faces = [picture[:40] for picture in drawn]  # above the names
    for row in range(7):
        np.testing.assert_array_equal(faces[9 * row], faces[0])
    shapes = [picture for index, picture in enumerate(faces) if index % 9][:52]
    changed = [np.abs(shape - faces[0]).max() for shape in shapes]
    assert min(changed) > 8, ARKIT_NAMES[int(np.argmin(changed))]


@pytest.mark.parametrize(("sheet", "count"), [(sheets.visemes, 15), (sheets.emotions, 12)])
def test_recipes_differ_from_each_other(robin, sheet, count):
    drawn = [picture[:40] for picture in cells(sheet(robin, (48, 54)), (48, 54))]
    assert len(drawn) == count
    for i, one in enumerate(drawn):
        assert all(np.abs(one - other).max() > 8 for other in drawn[:i]), i


def test_a_file_is_no_larger_than_the_documentation_bears(robin, tmp_path):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (1600, 1600, 3), np.uint8))
    with pytest.raises(sheets.DGTalkerError, match=r"noise\.jpg"):
        sheets.save(noise, tmp_path / "noise.jpg")
    assert not (tmp_path / "noise.jpg").exists()
    sheets.save(sheets.turntable([robin], (60, 80)), tmp_path / "more" / "turn.jpg")
    with Image.open(tmp_path / "more" / "turn.jpg") as again:
        assert again.size == (7 * 60, 80)
