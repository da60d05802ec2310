"""Whole installations, killed, refused, two at once, removed: with an engine of a few lines, pip, real processes."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from made_wheels import write_wheel

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.wire import jobs

REPOSITORY = Path(__file__).resolve().parents[3]

DOCTOR = """
import os, pathlib, time
def examine():
    import helper
    place = pathlib.Path(os.environ["DGTALKER_TEST"])
    (place / "tested").touch()
    while not (place / "go").exists():
        time.sleep(0.01)
    return {"lines": [{"text": "All is well", "advice": "", "ok": True}]}
"""
READY = "import film\ndef check(): pass\n"

INSTALLER = """
import sys, types
from pathlib import Path
addon = types.ModuleType("blender_addon")
addon.__path__ = [sys.argv[1]]
sys.modules["blender_addon"] = addon
from blender_addon.install import installation, packages, plan
from blender_addon.install.control import Control
from blender_addon.install.sources import Sources
import json
files = tuple(packages.File(**file) for file in json.loads(sys.argv[5]))
wanted = plan.Plan(Path(sys.argv[2]), Path(sys.executable), files[0], files, (Path(sys.argv[3]),), {}, "")
installation.install(wanted, Sources(pypi=sys.argv[4]), Control())
"""


@pytest.fixture
def engine_wheel(tmp_path):
    package = {
        "dgtalker_engine/__init__.py": "",
        "dgtalker_engine/__main__.py": "",
        "dgtalker_engine/server/__init__.py": "",
        "dgtalker_engine/server/doctor.py": DOCTOR,
        "dgtalker_engine/capture/__init__.py": "",
        "dgtalker_engine/capture/ready.py": READY,
    }
    return write_wheel(tmp_path, "dgtalker_engine", package)


@pytest.fixture
def plan(server, tmp_path, home, listed, engine_wheel, monkeypatch):
    """An installation of one package, the engine, and a package for videos."""
    from blender_addon.install.plan import Plan

    def package(name):
        wheel = write_wheel(tmp_path, name, {f"{name}.py": f"# {'x' * 200_000}\n"})
        server.files[wheel.name] = wheel.read_bytes()
        return listed(wheel.name, wheel.read_bytes())

    monkeypatch.setenv("DGTALKER_TEST", str(tmp_path))
    helper = package("helper")
    return Plan(
        home=home,
        own_python=Path(sys.executable),
        python=helper,
        files=(helper,),
        wheels=(engine_wheel,),
        extras={"capture": (package("film"),)},
        why="",
    )


@pytest.fixture
def sources(server):
    from blender_addon.install.sources import Sources

    return Sources(pypi=f"{server.url}/simple")


def imports(python, name):
    return subprocess.run([python, "-I", "-c", f"import {name}"], capture_output=True).returncode == 0


def test_a_killed_blender_leaves_nothing_half_and_the_next_one_waits_and_goes_on(
    plan, sources, server, tmp_path, home, wait_until
):
    from blender_addon.bridge import find
    from blender_addon.install.control import Control
    from blender_addon.install.environment import check_capture
    from blender_addon.install.installation import Task, install
    from blender_addon.install.removal import uninstall

    addon, files = REPOSITORY / "blender_addon", json.dumps([asdict(file) for file in plan.files])
    server.cuts = [50_000]
    first = subprocess.Popen(
        [sys.executable, "-c", INSTALLER, addon, home, plan.wheels[0], sources.pypi, files], cwd=REPOSITORY
    )
    try:
        wait_until((tmp_path / "tested").exists, 120)
    finally:
        first.send_signal(signal.SIGKILL)  # while the new environment is tested
        first.wait()
    assert server.asked == [0, 50_000], "the line was cut, and went on"
    assert find.remembered() == ""
    assert not plan.environment.exists()

    second = Task(lambda control: install(plan, sources, control))
    wait_until(lambda: "Another Blender" in second.control.progress.text, 60)  # the test that was left alone still runs
    (tmp_path / "go").touch()
    second.wait(120)
    assert second.error is None
    assert server.asked[2:] == [0], "only the package for videos was still to come"
    assert find.remembered() == str(plan.executable)
    assert find.known() == [str(plan.executable)]
    assert imports(plan.executable, "helper")
    assert imports(plan.executable, "film"), "the layer is seen"
    check_capture(plan.executable)
    assert not list(home.glob("*.tmp"))

    other = home / "env-older" / "bin" / "python"
    other.parent.mkdir(parents=True)
    other.symlink_to(sys.executable)
    find.remember(other)
    (home / "env-killed.tmp" / "lib").mkdir(parents=True)
    uninstall(other, Control())
    assert not list(home.glob("*.tmp")), "what killed removals and installations of other versions left"
    assert find.remembered() == str(plan.executable)
    assert plan.downloads.is_dir(), "one engine is left, which may be repaired"
    uninstall(plan.executable, Control())
    assert find.remembered() == ""
    assert {path.name for path in home.iterdir()} <= {"engine.json", "install.lock", "install.log"}


def test_an_engine_that_fails_its_test_is_not_taken(plan, sources, home, monkeypatch):
    from blender_addon.bridge import find
    from blender_addon.install import installation
    from blender_addon.install.children import Children
    from blender_addon.install.control import Control

    monkeypatch.setattr(Children, "run", lambda *all: '["PyTorch is broken."]')  # what the test prints at its end
    find.remember(Path(sys.executable))
    with pytest.raises(DGTalkerError, match="PyTorch is broken"):
        installation.install(plan, sources, Control())
    assert find.remembered() == sys.executable, "what was there before is still used"
    assert not plan.environment.exists()


def test_a_repair_that_cannot_take_its_place_leaves_what_was_there(plan, home, tmp_path, monkeypatch):
    from blender_addon.install import environment, wheels
    from blender_addon.install.children import Children
    from blender_addon.install.control import Control

    def place(children, what, command, watch=None):
        if what == "Python's venv":
            Path(command[-1]).mkdir(parents=True)
        return "[]"

    def held(work):
        if not (plan.environment / "before").exists():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        work()

    monkeypatch.setattr(Children, "run", place)
    monkeypatch.setattr(wheels, "install", lambda *all: None)
    monkeypatch.setattr(environment, "patiently", held)
    (plan.environment / "before").mkdir(parents=True)
    with pytest.raises(PermissionError):
        environment.build(replace(plan, anew=True), Control(), 0)
    assert (plan.environment / "before").is_dir()


def test_a_full_disk_is_said_before_anything_is_downloaded(plan, sources, server):
    from blender_addon.install import installation
    from blender_addon.install.control import Control

    with pytest.raises(DGTalkerError, match=r"not enough room.*are free") as caught:
        installation.install(plan, sources, Control(), free=lambda folder: 1000)
    assert caught.value.code == "disk_full"
    assert server.asked == []


def test_a_disk_that_fills_meanwhile_is_a_sentence(plan, sources, monkeypatch):
    from blender_addon.install import installation
    from blender_addon.install.control import Control

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(installation, "fetch", full)
    with pytest.raises(DGTalkerError, match=r"No space left.*Make room"):
        installation.install(plan, sources, Control())


def test_a_folder_that_cannot_be_written_is_named(plan, sources, home):
    from blender_addon.install import installation
    from blender_addon.install.control import Control

    home.parent.write_bytes(b"a file in its place")
    with pytest.raises(DGTalkerError, match=r"Büro ✓.dgtalker cannot be written"):
        installation.install(plan, sources, Control())


def test_waiting_for_another_blender_can_be_cancelled(plan, sources, home, wait_until):
    from blender_addon.install.control import Control
    from blender_addon.install.installation import Task, install, locked

    with locked(home, Control()):
        waiting = Task(lambda control: install(plan, sources, control))
        wait_until(lambda: "Another Blender" in waiting.control.progress.text, 60)
        waiting.control.cancel()
        waiting.wait(30)
    assert isinstance(waiting.error, Cancelled)


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_program_that_is_cancelled_ends_with_all_that_it_started(tmp_path, addon, wait_until):
    from blender_addon.install.children import Children
    from blender_addon.install.control import Control

    script = f"""
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(tmp_path / "pid")!r}, "w").write(f"{{child.pid}}\\n")
        time.sleep(600)
    """
    control, nothing, ended = Control(), os.open(os.devnull, os.O_RDONLY), []

    def work():
        try:
            Children(tmp_path, control, nothing).run("it", [sys.executable, "-c", textwrap.dedent(script)])
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().endswith("\n"), 60)
    control.cancel()
    thread.join(30)
    os.close(nothing)
    assert ended
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_running(pid), 30)


def test_windows_long_paths_are_found_before_pip_fails(tmp_path, addon):
    from blender_addon.install.wheels import check_paths

    wheel = write_wheel(tmp_path, "deep", {f"deep/{'a' * 150}.py": ""})
    check_paths([wheel], tmp_path, None)
    check_paths([wheel], Path("/short"), 259)
    with pytest.raises(DGTalkerError, match="LongPathsEnabled"):
        check_paths([wheel], tmp_path / ("b" * 150), 259)


def archive(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as content:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            content.addfile(entry, io.BytesIO(data))
    return path


def test_a_downloaded_python_is_unpacked_once(plan, listed):
    from blender_addon.install.control import Control
    from blender_addon.install.environment import base_python

    wanted = replace(plan, own_python=None, python=listed("cpython-3.11.tar.gz", b""))
    wanted.downloads.mkdir(parents=True)
    packed = archive(wanted.downloads / "cpython-3.11.tar.gz", ("python/bin/python3", b"#!/bin/sh\n"))
    python = base_python(wanted, Control())
    assert os.access(python, os.X_OK)
    packed.unlink()
    assert base_python(wanted, Control()) == python


def test_an_archive_that_reaches_out_of_its_folder_is_refused(tmp_path, addon):
    from blender_addon.install.control import Control
    from blender_addon.install.environment import unpack

    packed = archive(tmp_path / "evil.tar.gz", ("../evil", b"x"))
    with pytest.raises(DGTalkerError, match="cannot be unpacked"):
        unpack(packed, tmp_path / "in", Control())
    assert not (tmp_path / "evil").exists()


def test_an_engine_on_which_a_training_runs_is_neither_removed_nor_repaired(plan, sources, home):
    from blender_addon.bridge import find
    from blender_addon.install.control import Control
    from blender_addon.install.installation import install
    from blender_addon.install.removal import uninstall

    plan.executable.parent.mkdir(parents=True)
    plan.executable.symlink_to(sys.executable)
    find.remember(plan.executable)
    job = jobs.create(find.jobs_folder(), jobs.Request(trainer="tiny", output="Ada.dgt"))
    job.record_process(os.getpid(), str(plan.executable))
    with pytest.raises(DGTalkerError, match=job.folder.name) as refused:
        uninstall(plan.executable, Control())
    assert "pause it" in refused.value.hint
    with pytest.raises(DGTalkerError, match=job.folder.name):
        install(replace(plan, anew=True), sources, Control())
    assert find.remembered() == str(plan.executable)
    job.record_process(os.getpid(), "/another/engine/bin/python")
    uninstall(plan.executable, Control())
    assert not plan.environment.exists()


def test_an_engine_that_somebody_else_installed_is_left_alone(home, addon):
    from blender_addon.install.control import Control
    from blender_addon.install.environment import check_capture
    from blender_addon.install.removal import uninstall

    with pytest.raises(DGTalkerError, match="was not installed by DGTalker"):
        uninstall(Path(sys.executable), Control())
    check_capture(Path(sys.executable))


def test_without_what_looks_at_videos_an_offer_is_made(home, addon):
    from blender_addon.install.environment import check_capture

    with pytest.raises(DGTalkerError, match="Install for Videos") as caught:
        check_capture(home / "env-0" / "bin" / "python")
    assert caught.value.code == "no_capture"
