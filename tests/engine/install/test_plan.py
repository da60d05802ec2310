"""What an installation says before it starts, and what its catalogue promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dgtalker_engine.errors import DGTalkerError

pytestmark = pytest.mark.usefixtures("addon")
REPOSITORY = Path(__file__).resolve().parents[3]
PLATFORMS = ("linux-x64", "windows-x64", "macos-arm64")
LOCKS = {"base": "engine.txt", "capture": "capture.txt training.txt", "signing": "signing.txt", "cpu": "torch.txt"}


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "dgtalker_engine-9.9-py3-none-any.whl").write_bytes(b"engine")
    return folder


@pytest.fixture
def make(monkeypatch, tmp_path, wheels):
    """``make(gpu=False, own=True, **options) -> Plan`` for a Linux computer."""
    from blender_addon.install import machine, plan

    def of(gpu=False, own=True, **options):
        monkeypatch.setattr(machine, "platform", lambda: "linux-x64")
        monkeypatch.setattr(machine, "has_nvidia_gpu", lambda: gpu)
        monkeypatch.setattr(machine, "own_python", lambda version: tmp_path / "python" if own else None)
        return plan.make(tmp_path / "home", wheels, **options)

    return of


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_file_is_one_of_the_locks_and_none_is_missing(platform):
    from blender_addon.install.packages import catalogue

    groups = catalogue(platform).groups
    locks = LOCKS
    if platform == "linux-x64":
        locks = LOCKS | {"cpu": "torch-cpu.txt", "cuda": "torch.txt cuda.txt"}
    for group, names in locks.items():
        text = "".join((REPOSITORY / "wheels" / name).read_text() for name in names.split())
        assert all(f"sha256:{file.sha256}" in text for file in groups[group]), "run: python build.py lock"
        everywhere = re.findall(r"(?m)^([\w.-]+)==[^;]+? ; python_full_version < '3.12' \\", text)
        assert set(everywhere) <= {file.project for file in groups[group]}, "run: python build.py lock"
    assert all(file.size for group in ("base", "cpu", "capture", "signing") for file in groups[group])
    assert groups["python"][0].url.startswith("https://")


def test_the_size_is_said_first_and_shrinks_with_what_is_there(make, tmp_path):
    from blender_addon.install.sources import Sources

    plan = make()
    everything = plan.missing_bytes(Sources())
    assert 200e6 < everything < 450e6
    assert make(extras=["capture"]).missing_bytes(Sources()) > everything + 100e6
    assert make(own=False).missing_bytes(Sources()) > everything + 20e6, "Python is downloaded, too"
    torch = next(file for file in plan.files if file.project == "torch")
    (tmp_path / torch.name).write_bytes(b"")
    assert plan.missing_bytes(Sources(folder=tmp_path)) == everything - torch.size
    plan.downloads.mkdir(parents=True)
    (plan.downloads / f"{torch.name}.part").write_bytes(b"x" * 1000)
    assert plan.missing_bytes(Sources()) == everything - 1000
    assert plan.disk_bytes > 1e9


def test_cuda_is_taken_where_there_is_a_gpu_and_what_draws_on_it(make, wheels):
    def torch(plan):
        return next(file.name for file in plan.files if file.project == "torch")

    assert "+cpu" in torch(make())
    assert "+cpu" in torch(make(gpu=True))
    assert "gsplat" in make(gpu=True).why
    (wheels / "gsplat-1.5.3-cp311-cp311-linux_x86_64.whl").write_bytes(b"gsplat")
    assert "+cpu" in torch(make())
    plan = make(gpu=True)
    assert "+cpu" not in torch(plan)
    assert [wheel.name.split("-")[0] for wheel in plan.wheels] == ["dgtalker_engine", "gsplat"]


def test_another_engine_goes_into_another_environment(make, wheels):
    first = make().environment
    assert make().environment == first
    assert make(own=False).environment == first, "Blender 4.5 and 5.2 share an engine"
    (wheels / "dgtalker_engine-9.9-py3-none-any.whl").write_bytes(b"a newer engine")
    assert make().environment != first


def test_a_computer_without_packages_is_told_so(make, monkeypatch):
    from blender_addon.install import machine
    from blender_addon.install.packages import catalogue

    with pytest.raises(DGTalkerError, match=r"windows-arm64.*some of its packages do not exist"):
        catalogue("windows-arm64")
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    monkeypatch.setattr("sys.platform", "win32")
    assert machine.platform() == "windows-x64"


def test_an_extension_without_its_wheel_is_named(make, wheels):
    next(wheels.iterdir()).unlink()
    with pytest.raises(DGTalkerError, match="engine's wheel is not in"):
        make()
