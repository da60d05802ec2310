"""The engine's environment made of downloaded files alone, tested, and put into its place at once. No Blender."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import patiently, write_whole
from dgtalker_engine.wire import jobs

from ..bridge import find
from . import machine, wheels
from .children import Children
from .control import Control
from .download import digest
from .packages import File
from .plan import Plan

_EXTRAS = {
    "capture": ("what looks at videos", "from dgtalker_engine.capture import ready; ready.check()"),
    "signing": ("what signs pictures", "import c2pa"),
}
"""What comes when it is first needed: its name for the user, and what shows that it works."""
_LARGEST_PYTHON = 2 * 2**30


def base_python(plan: Plan, control: Control) -> Path:
    """The Python that the environment stands on; unpacked where it was downloaded.

    Raises:
        DGTalkerError: the archive is none of Python's.
    """
    if plan.own_python:
        return plan.own_python
    folder = plan.python_folder
    if not folder.is_dir():
        control.say("Unpacking Python")
        unfinished = fresh(folder.with_name(f"{folder.name}.tmp"))
        unpack(plan.downloads / plan.python.name, unfinished, control)
        patiently(lambda: unfinished.replace(folder))
    name = "python.exe" if os.name == "nt" else "bin/python3"
    return folder / "python" / name


def unpack(archive: Path, folder: Path, control: Control) -> None:
    """An archive of Python into a folder, nothing outside it.

    Raises:
        DGTalkerError: it is none, or wants more.
    """
    left = _LARGEST_PYTHON
    try:
        with tarfile.open(archive) as content:
            for member in content:
                control.check()
                left -= member.size
                if left < 0:
                    raise DGTalkerError(f"{archive.name} is no archive of Python: it is too large.")
                content.extract(member, folder, filter="data")
    except tarfile.TarError as error:
        raise DGTalkerError(f"{archive.name} cannot be unpacked: {error}.", "Install again.") from error


def build(plan: Plan, control: Control, lock: int) -> None:
    """The environment, tested, in its place; nothing is in its place before.

    Args:
        lock: the descriptor of the installation's lock: whoever comes next waits for our children, too.

    Raises:
        DGTalkerError: it could not be made, or the engine does not work in it.
        Cancelled: by `control`.
    """
    if plan.is_built:
        return
    unfinished = fresh(plan.environment.with_name(f"{plan.environment.name}.tmp"))
    children = Children(plan.home, control, lock)
    base = base_python(plan, control)
    control.say("Making the environment")
    children.run("Python's venv", [base, "-I", "-m", "venv", unfinished])
    python = machine.environment_python(unfinished)
    chosen = {plan.downloads / file.name: file.sha256 for file in plan.files}
    chosen |= {wheel: digest(wheel, control) for wheel in plan.wheels}
    wheels.check_paths(chosen, site_packages(unfinished), machine.longest_path())
    wheels.install(children, python, chosen, unfinished, "Installing packages")
    control.say("Testing the engine")
    _self_test(children, python)
    control.check()
    old = fresh(plan.environment.with_name(f"{plan.environment.name}.old.tmp"))
    if plan.environment.exists():
        patiently(lambda: plan.environment.replace(old))
    try:
        patiently(lambda: unfinished.replace(plan.environment))
    except OSError:
        if old.exists():
            old.replace(plan.environment)
        raise
    fresh(old)


def add_extras(plan: Plan, control: Control, lock: int) -> None:
    """Each extra as a layer of the environment: a folder of packages, and a line that says where it is.

    Raises:
        DGTalkerError: it could not be made.
        Cancelled: by `control`.
    """
    for extra, files in plan.extras.items():
        layer = plan.layer(extra)
        if not layer.is_dir():
            _add_layer(plan, layer, files, extra, Children(plan.home, control, lock), control)
        # Packages are looked for in there, and the .pth files in there are followed.
        line = f"import sys, site; site.addsitedir(sys.prefix + {os.sep + layer.name!r})\n"
        write_whole(_link(plan.environment, extra), line.encode())


def _add_layer(
    plan: Plan, layer: Path, files: Sequence[File], extra: str, children: Children, control: Control
) -> None:
    name, works = _EXTRAS[extra]
    unfinished = fresh(layer.with_name(f"{layer.name}.tmp"))
    chosen = {plan.downloads / file.name: file.sha256 for file in files}
    wheels.check_paths(chosen, unfinished, machine.longest_path())
    wheels.install(children, plan.executable, chosen, unfinished, f"Installing {name}", unfinished)
    control.say(f"Testing {name}")
    test = f"import site; site.addsitedir({str(unfinished)!r}); {works}"
    children.run(f"The test of {name}", [plan.executable, "-I", "-c", test])
    patiently(lambda: unfinished.replace(layer))


def _link(environment: Path, extra: str) -> Path:
    """The file that says where an extra's layer is."""
    return site_packages(environment) / f"{extra}.pth"


def extras(environment: Path) -> frozenset[str]:
    """What an environment has of what comes when it is first needed."""
    return frozenset(extra for extra in _EXTRAS if _link(environment, extra).is_file())


def check_capture(python: Path) -> None:
    """Whether an engine can look at videos, as far as that shows without asking it.

    Raises:
        DGTalkerError: it was installed by the button, without what looks at videos.
    """
    installed = find.installed(python)
    if installed is not None and "capture" not in extras(installed):
        raise DGTalkerError(
            "What looks at videos is not installed yet.",
            "Press Install for Videos in the extension's preferences.",
            code="no_capture",
        )


def warm(plan: Plan, control: Control, lock: int) -> None:
    """Compiles the rendering kernels, so that the first picture need not wait.

    Raises:
        DGTalkerError: they cannot be compiled.
        Cancelled: by `control`.
    """
    control.say("Compiling the renderer")
    command = [plan.executable, "-I", "-m", "dgtalker_engine", "warm"]
    Children(plan.home, control, lock).run("Compiling the renderer", command)


def check_unused(environment: Path) -> None:
    """Whether an environment may be taken away.

    Raises:
        DGTalkerError: a training runs on it.
    """
    for job in jobs.known(find.jobs_folder()):
        if job.state is jobs.State.RUNNING and find.installed(job.python) == environment:
            raise DGTalkerError(
                f"A training uses this engine: {job.folder.name}.",
                "Let it finish, or pause it; it goes on with the next engine.",
                code="in_use",
            )


def remove_unfinished(home: Path) -> None:
    """What killed installations and removals left of environments; for who holds the lock."""
    for folder in home.glob("env-*.tmp"):
        fresh(folder)


def fresh(folder: Path) -> Path:
    """The path of a folder that is not there: what a killed installation left of it goes."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def _self_test(children: Children, python: Path) -> None:
    """The engine's own doctor.

    Raises:
        DGTalkerError: it found what the engine cannot do without.
    """
    script = (
        "import json, sys; from dgtalker_engine.server.doctor import examine; "
        "print(json.dumps([f\"{line['text']}. {line['advice']}\" for line in examine()['lines'] if not line['ok']]))"
    )
    answer = children.run("The engine's self-test", [python, "-I", "-c", script])
    problems = json.loads(answer.strip().splitlines()[-1])
    if problems:
        raise DGTalkerError(f"The engine was installed and does not work: {' '.join(problems)}", "It was not taken.")


def site_packages(environment: Path) -> Path:
    """Where an environment keeps its packages."""
    if os.name == "nt":
        return environment / "Lib" / "site-packages"
    found = sorted((environment / "lib").glob("python3*"))
    return (found[-1] if found else environment / "lib" / "python3") / "site-packages"
