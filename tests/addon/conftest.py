"""The real extension, installed from the built zip into a fresh Blender profile, with a real engine process."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

PROFILE = tempfile.TemporaryDirectory(prefix="dgtalker-profile-")
os.environ["BLENDER_USER_RESOURCES"] = PROFILE.name
os.environ["XDG_DATA_HOME"] = str(Path(PROFILE.name) / "data")

warnings.simplefilter("ignore")
import bpy  # noqa: E402 (the profile must be known before Blender starts)

EXTENSION = "bl_ext.user_default.dgtalker"
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def extension():
    """Install and enable the extension once; returns its module."""
    archive = os.environ.get("DGTALKER_ZIP")
    if not archive or "DGTALKER_ENGINE_PYTHON" not in os.environ:
        pytest.exit("run these tests with: python build.py test tests/addon", returncode=2)
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    assert EXTENSION in bpy.context.preferences.addons
    bpy.context.preferences.addons[EXTENSION].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    yield sys.modules[EXTENSION]
    sys.modules[f"{EXTENSION}.bridge.engine"].stop()


@pytest.fixture(autouse=True)
def fresh_file(extension):
    """Each test starts with Blender's factory scene."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    for ob in list(bpy.data.objects):
        if ob.type == "MESH":
            bpy.data.objects.remove(ob)


@pytest.fixture
def room(extension):
    """Modules of the installed extension by name: `room("bridge.engine")`."""
    return lambda name: sys.modules[f"{EXTENSION}.{name}"]


@pytest.fixture(scope="session")
def data() -> Path:
    """Development data: real speech and clips."""
    folder = Path(os.environ.get("DGTALKER_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the development data is not on this machine")
    return folder


@pytest.fixture(scope="session")
def sample() -> Path:
    """The bundled recording."""
    return REPOSITORY / "tests" / "demo" / "sample.wav"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """bpy may crash or hang while the interpreter ends: the report is written, so end here."""
    status = getattr(config, "_dgtalker_status", 1)
    sys.stdout.flush()
    sys.stderr.flush()
    PROFILE.cleanup()
    os._exit(status)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    session.config._dgtalker_status = int(exitstatus)
