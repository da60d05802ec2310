"""build.py where something goes wrong: one clear message, and the next run mends it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from made_wheels import write_wheel

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = sorted((REPOSITORY / "wheels").glob("*.txt"))


@pytest.fixture
def build(tmp_path, monkeypatch):
    """The module, with its environments and locks in a folder of the test; nothing is downloaded."""
    monkeypatch.syspath_prepend(str(REPOSITORY))
    import build
    from building import repository

    monkeypatch.setattr(repository, "BUILD", tmp_path / ".build")
    monkeypatch.setattr(repository, "WHEELS", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return build


@pytest.fixture
def environments(build):
    from building import environments

    return environments


@pytest.fixture
def uv(build, tmp_path):
    """The repository's uv among the test's environments."""
    kept = REPOSITORY / ".build" / "envs" / "uv"
    if not kept.is_dir():
        pytest.skip("no task has made the environments of this repository yet")
    (tmp_path / ".build" / "envs").mkdir(parents=True)
    (tmp_path / ".build" / "envs" / "uv").symlink_to(kept, target_is_directory=True)
    shutil.copy(REPOSITORY / "wheels" / "uv.txt", tmp_path)


NOWHERE = f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n"


def unfinished(environments, environment, tmp_path):
    """Tries to make an environment that cannot be finished."""
    (tmp_path / environment.locks[0]).write_text(NOWHERE)
    left_over = environment.folder / "left-over"
    left_over.parent.mkdir(parents=True)
    left_over.touch()
    with pytest.raises(environments.BuildError, match="pip install"):
        environments.ensure(environment)
    assert not left_over.exists(), "what an earlier run left unfinished was made anew"
    assert not (environment.folder / "build-stamp").exists(), "the next run makes it anew too"


def test_an_environment_that_could_not_be_finished_is_not_taken_for_one(environments, uv, tmp_path, capfd):
    unfinished(environments, environments.Environment("small", None, ("lock.txt",)), tmp_path)
    assert "no-such-package" in capfd.readouterr().err


def test_nor_is_the_one_that_makes_the_others(environments, tmp_path, capfd):
    unfinished(environments, environments.UV, tmp_path)
    assert "no-such-package" in capfd.readouterr().err


def test_a_package_that_is_not_the_one_of_the_lock_is_refused(environments, uv, tmp_path, capfd, monkeypatch):
    with zipfile.ZipFile(tmp_path / "small-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        wheel.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("small-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    environment = environments.Environment("small", None, ("lock.txt",))
    (tmp_path / "lock.txt").write_text(f"small==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(environments.BuildError):
        environments.ensure(environment)
    assert "hash" in capfd.readouterr().err.lower()
    digest = hashlib.sha256((tmp_path / "small-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    (tmp_path / "lock.txt").write_text(f"small==1.0 --hash=sha256:{digest}\n")
    assert environments.ensure(environment).executable.exists()


def test_a_layer_sees_the_packages_below_it_and_they_do_not_see_its_own(environments, uv, tmp_path):
    (tmp_path / "lock.txt").write_text("")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    below = environments.Environment("below", version, ("lock.txt",))
    layer = environments.Environment("layer", version, ("lock.txt",), over=below)
    environments.ensure(layer)
    for environment, name in ((below, "users"), (layer, "tests")):
        (environment.packages / f"{name}_module.py").touch()

    def imports(environment, name):
        command = [environment.executable, "-I", "-c", f"import {name}_module"]
        return subprocess.run(command, capture_output=True).returncode == 0

    assert [imports(layer, "users"), imports(layer, "tests")] == [True, True]
    assert [imports(below, "users"), imports(below, "tests")] == [True, False]


def test_uv_looks_where_pip_is_configured_to_look(environments, uv, tmp_path, monkeypatch):
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://mirror/simple\nfind-links = /file\n"
        "[install]\nextra-index-url =\n  https://one\n  https://two\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/variable")
    monkeypatch.setenv("UV_INSECURE_HOST", "mine")
    found = environments.uv_variables()
    assert found["UV_DEFAULT_INDEX"] == "https://mirror/simple"
    assert found["UV_INDEX"] == "https://mirror/simple https://one https://two", "the main one first"
    assert found["UV_FIND_LINKS"] == "/variable", "as in pip, a variable counts for more than a file"
    assert found["UV_INSECURE_HOST"] == "mine", "what is set for uv itself stays"


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_package_is_pinned_with_hashes(path):
    text = path.read_text()
    requirements = re.findall(r"(?m)^[A-Za-z0-9].*\n(?:[ \t]+.*\n)*", text)
    assert requirements
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+==[^ ]+ ", requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", requirement), requirement
    assert "://" not in text, "no lock says where packages come from"


def test_users_get_nothing_that_only_tests_need():
    installed = "".join(
        (REPOSITORY / "wheels" / name).read_text()
        for name in ("engine.txt", "torch.txt", "capture.txt", "training.txt")
    )
    assert not re.findall(r"(?mi)^(pytest|openexr|transformers|pluggy|iniconfig)\b", installed)


def test_both_builds_of_pytorch_are_of_one_version():
    wheels = REPOSITORY / "wheels"
    (version,) = re.findall(r"(?m)^torch==(\S+)", (wheels / "torch.txt").read_text())
    assert re.findall(r"(?m)^torch==(\S+)", (wheels / "torch-cpu.txt").read_text()) == [f"{version}+cpu"]


def test_a_recording_that_is_not_there_is_named_before_anything_is_made(build, tmp_path, capsys):
    assert build.main(["demo", str(tmp_path / "nothing.wav")]) == 1
    assert "nothing.wav" in capsys.readouterr().err
    assert not (tmp_path / ".build").exists()


def test_paths_without_tests_are_refused_before_anything_is_made(build, tmp_path, capsys):
    assert build.main(["test", "tests/demo"]) == 1
    assert "tests/addon" in capsys.readouterr().err
    assert not (tmp_path / ".build").exists()


def test_an_unknown_bench_names_the_others(build, capsys):
    assert build.main(["bench", "nothing"]) == 1
    assert "wire" in capsys.readouterr().err


def test_an_old_python_is_named(build):
    with pytest.raises(build.BuildError, match=r"3\.9.*3\.10"):
        build.check_python((3, 9))


def test_a_file_in_the_way_is_a_message(build, tmp_path, capsys):
    (tmp_path / ".build").write_text("in the way")
    (tmp_path / "uv.txt").write_text("")
    assert build.main(["package"]) == 1
    assert ".build" in capsys.readouterr().err


def test_a_build_elsewhere_does_not_take_over_but_is_offered(build, tmp_path, monkeypatch):
    from building import packaging

    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    first, second = tmp_path / "first", tmp_path / "second"
    first.touch()
    second.touch()
    packaging.remember_engine(first)
    packaging.remember_engine(second)
    (file,) = tmp_path.rglob("engine.json")
    assert json.loads(file.read_text()) == {"python": str(first), "engines": [str(first), str(second)]}
    first.unlink()
    packaging.remember_engine(second)
    assert json.loads(file.read_text()) == {"python": str(second), "engines": [str(second)]}


def test_a_folder_to_install_from_holds_the_very_files_of_the_catalogue(environments, uv, tmp_path, monkeypatch, capfd):
    from building import wheelhouse

    stick, served = tmp_path / "stick ß", tmp_path / "served"
    served.mkdir()
    wheel = write_wheel(served, "small", {"small.py": ""})
    python = served / "python.tar.gz"
    python.write_bytes(b"python")
    file = {"name": wheel.name, "project": "small", "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    archive = {"name": python.name, "url": python.as_uri(), "sha256": hashlib.sha256(b"python").hexdigest()}
    groups = {"python": [archive], "base": [file], "cpu": [], "capture": [], "signing": []}
    catalogue = tmp_path / "packages.json"
    catalogue.write_text(json.dumps({"python": "3.11", "platforms": {"windows-x64": groups}}))
    monkeypatch.setattr(wheelhouse, "CATALOGUE", catalogue)
    monkeypatch.setattr(wheelhouse, "WHEELS", tmp_path)
    monkeypatch.setenv("PIP_FIND_LINKS", str(served))
    wheelhouse.fill(stick, ["windows-x64"])
    assert {path.name for path in stick.iterdir()} == {wheel.name, python.name}
    with pytest.raises(environments.BuildError, match="no platform amiga; there are windows-x64"):
        wheelhouse.fill(stick, ["amiga"])
    file["sha256"] = "0" * 64
    catalogue.write_text(json.dumps({"python": "3.11", "platforms": {"windows-x64": groups}}))
    with pytest.raises(environments.BuildError):
        wheelhouse.fill(stick, ["windows-x64"])
    assert "hash" in capfd.readouterr().err.lower()


def test_the_folder_of_the_zip_may_be_the_one_that_blenders_update_from(build, tmp_path, monkeypatch):
    from building import tasks

    wheel, archive = tmp_path / "engine.whl", tmp_path / "dgtalker-1.0.zip"
    archive.write_bytes(b"extension")
    monkeypatch.setattr(tasks, "package", lambda out: (wheel, archive))
    monkeypatch.setattr(tasks, "ensure_engine", lambda wheel: wheel)
    monkeypatch.setattr(tasks, "remember_engine", lambda python: None)
    listed = []
    monkeypatch.setattr(tasks, "list_extensions", listed.append)
    folders = [tmp_path, tmp_path / "studio"]
    for folder in folders:
        tasks.make_packages(tmp_path, False, None, None, folder)
        assert (folder / archive.name).read_bytes() == b"extension"
    assert listed == folders


def test_a_suite_says_which_of_its_tests_failed(build, tmp_path, monkeypatch, capfd):
    from building import environments, testing

    (tmp_path / "test_it.py").write_text("def test_right():\n    pass\n\ndef test_wrong():\n    raise ValueError\n")
    monkeypatch.setattr(environments.Environment, "executable", Path(sys.executable))
    here = environments.Environment("here", None, ())
    result = testing._run_suite("small", here, [str(tmp_path)], dict(os.environ))
    assert (result.suite, result.passed, result.skipped) == ("small", 1, 0)
    (failed,) = result.failed
    assert failed.endswith("test_it.test_wrong")
    assert "small: " in capfd.readouterr().out
