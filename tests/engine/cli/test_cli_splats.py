"""Splats by the command line: an avatar of a file of other programs, and one for them."""

from __future__ import annotations

import numpy as np
import pytest
import splat_files as files

from dgtalker_engine import avatar
from dgtalker_engine.avatar import splats
from dgtalker_engine.cli.main import main


def test_import_makes_an_avatar_and_export_gives_it_back(tmp_path, capsys):
    (tmp_path / "two.splat").write_bytes(files.SPLAT)
    assert main(["avatar", "import", str(tmp_path / "two.splat"), "-o", str(tmp_path / "two.dgt"), "--scale", "2"]) == 0
    assert "2 Gaussians in" in capsys.readouterr().err
    still = avatar.load(tmp_path / "two.dgt")
    assert still.metadata.name == "two"
    assert main(["avatar", "info", str(tmp_path / "two.dgt")]) == 0
    assert "consent     unknown" in capsys.readouterr().out
    assert main(["avatar", "export", str(tmp_path / "two.dgt"), "-o", str(tmp_path / "new" / "two.ply")]) == 0
    means = splats.read(tmp_path / "new" / "two.ply", forward="Z", up="-Y", scale=0.5).cloud.means.numpy()
    assert np.allclose(means[means[:, 0].argsort()], [(-1, 0.125, 0), (0.5, 2, 0.25)], atol=1e-3)


def test_export_poses_by_weights(tmp_path, capsys):
    for name, words in (("rest", []), ("open", ["--weight", "jawOpen=1"])):
        assert main(["avatar", "export", "robin", "-o", str(tmp_path / f"{name}.glb"), *words]) == 0
    rest, opened = (splats.read(tmp_path / f"{name}.glb").cloud.means for name in ("rest", "open"))
    assert len(rest) == len(opened)
    assert float((rest - opened)[:, 2].max()) > 0.01
    assert main(["avatar", "export", "robin", "-o", str(tmp_path / "a.glb"), "--weight", "wings=1"]) == 1
    assert "no control 'wings'" in capsys.readouterr().err


@pytest.mark.parametrize(("output", "said"), [("a.obj", "says no format"), ("a.splat", "only read")])
def test_a_format_that_is_not_written_is_a_message(output, said, tmp_path, capsys):
    assert main(["avatar", "export", "robin", "-o", str(tmp_path / output)]) == 1
    assert said in capsys.readouterr().err
