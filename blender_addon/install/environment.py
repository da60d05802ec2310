"""The engine's environment made of downloaded files alone, tested, and put into its place at once. No Blender."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import patiently, write_whole

from . import machine
from .control import Control
from .download import digest
from .plan import Plan

LOG = "install.log"
_POLL = 0.1
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
    if plan.executable.is_file():
        return
    unfinished = fresh(plan.environment.with_name(f"{plan.environment.name}.tmp"))
    children = _Children(plan.home / LOG, control, lock)
    base = base_python(plan, control)
    control.say("Making the environment")
    children.run("Python's venv", [base, "-I", "-m", "venv", unfinished])
    python = machine.environment_python(unfinished)
    wheels = [*(plan.downloads / file.name for file in plan.files), *plan.wheels]
    hashes = [*(file.sha256 for file in plan.files), *(digest(wheel, control) for wheel in plan.wheels)]
    _pip(children, python, unfinished, wheels, hashes, "Installing packages", plan.environment)
    control.say("Testing the engine")
    _self_test(children, python)
    control.check()
    if plan.environment.exists():
        shutil.rmtree(plan.environment)  # without its Python: somebody has begun to remove it
    patiently(lambda: unfinished.replace(plan.environment))


def add_capture(plan: Plan, control: Control, lock: int) -> None:
    """What looks at videos, as a layer of the environment: a folder of packages, and a line that says where it is.

    Raises:
        DGTalkerError: it could not be made.
        Cancelled: by `control`.
    """
    layer = plan.capture_layer
    if plan.capture and not layer.is_dir():
        unfinished = fresh(layer.with_name(f"{layer.name}.tmp"))
        children = _Children(plan.home / LOG, control, lock)
        wheels = [plan.downloads / file.name for file in plan.capture]
        hashes = [file.sha256 for file in plan.capture]
        _pip(
            children, plan.executable, unfinished, wheels, hashes, "Installing packages for videos", layer, into=unfinished
        )
        control.say("Testing what looks at videos")
        test = f"import site; site.addsitedir({str(unfinished)!r}); from dgtalker_engine.capture import ready; ready.check()"
        children.run("The test of what looks at videos", [plan.executable, "-I", "-c", test])
        patiently(lambda: unfinished.replace(layer))
    if plan.capture:
        # Packages are looked for in there, and the .pth files in there are followed.
        line = f"import sys, site; site.addsitedir(sys.prefix + {os.sep + layer.name!r})\n"
        write_whole(_site_packages(plan.environment) / "capture.pth", line.encode())


def warm(plan: Plan, control: Control, lock: int) -> None:
    """Compiles the rendering kernels, so that the first picture need not wait.

    Raises:
        DGTalkerError: they cannot be compiled.
        Cancelled: by `control`.
    """
    control.say("Compiling the renderer")
    command = [plan.executable, "-I", "-m", "dgtalker_engine", "warm"]
    _Children(plan.home / LOG, control, lock).run("Compiling the renderer", command)


def fresh(folder: Path) -> Path:
    """The path of a folder that is not there: what a killed installation left of it goes."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def check_paths(wheels: Sequence[Path], environment: Path, longest: int | None) -> None:
    """Whether each path in the environment can be as long as it is.

    Args:
        longest: letters that a path may have; None for any.

    Raises:
        DGTalkerError: one is too long.
    """
    if longest is None:
        return
    packages = len(str(_site_packages(environment.with_name(f"{environment.name}.tmp")))) + 1
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as content:
            letters = packages + max((len(name) for name in content.namelist()), default=0)
        if letters > longest:
            raise DGTalkerError(
                f"{wheel.name} has files whose paths in {environment.parent} would have {letters} letters; this Windows "
                f"allows {longest}.",
                "Switch on LongPathsEnabled (Microsoft: Enable long paths), then install again.",
                code="long_paths",
            )


class _Children:
    """Runs programs whose output goes into the log; cancel ends them."""

    def __init__(self, log: Path, control: Control, lock: int) -> None:
        self._log, self._control, self._lock = log, control, lock

    def run(self, what: str, command: Sequence[object], watch: Callable[[], None] = lambda: None) -> str:
        """What it printed, once it has ended well. `watch` is called meanwhile."""
        # Neither Blender's variables nor pip's files and variables have a say in what is installed.
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
        variables |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUTF8": "1"}
        inherited = {} if sys.platform == "win32" else {"pass_fds": (self._lock,), "start_new_session": True}
        flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
        with self._log.open("w+", encoding="utf-8", errors="replace") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._log.parent,
                env=variables,
                creationflags=flags,
                **inherited,
            )
            try:
                if sys.platform == "win32":
                    from ..bridge.windows import end_with_this_process

                    end_with_this_process(process)
                while process.poll() is None:
                    watch()
                    self._control.sleep(_POLL)
            finally:
                if process.poll() is None:
                    _end(process)
            log.seek(0)
            text = log.read()
        if process.returncode:
            last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
            raise DGTalkerError(
                f"{what} failed: {last or f'exit code {process.returncode}'}", f"All of it is in {self._log}."
            )
        return text


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started: nobody may write into a folder that is given up."""
    if sys.platform == "win32":
        process.kill()  # what it started is in its job, and goes with Blender
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _pip(
    children: _Children,
    python: Path,
    target: Path,
    wheels: Sequence[Path],
    hashes: Sequence[str],
    text: str,
    final: Path,
    into: Path | None = None,
) -> None:
    """Exactly these wheels, by the environment's own pip: no index, nothing resolved, each with its hash."""
    check_paths(wheels, final, machine.longest_path())
    project = [wheel.name.split("-")[0] for wheel in wheels]
    lines = [
        f"{name} @ {wheel.resolve().as_uri()} --hash=sha256:{sha}"
        for name, wheel, sha in zip(project, wheels, hashes, strict=True)
    ]
    requirements = target.with_name(f"{target.name}.txt")
    requirements.write_text("\n".join(lines), encoding="utf-8")
    total, control = _unpacked(wheels), children._control
    command: list[object] = [python, "-I", "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--require-hashes"]
    command += ["--no-compile", "--no-cache-dir", "-r", requirements]
    if into:
        command += ["--target", into]
    # pip unpacks a layer elsewhere first.
    count = (lambda: None) if into else (lambda: control.say(text, min(total, _bytes_in(target)), total))
    control.say(text)
    try:
        children.run("Installing the engine's packages", command, count)
    finally:
        requirements.unlink(missing_ok=True)


def _unpacked(wheels: Sequence[Path]) -> int:
    total = 0
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as content:
                total += sum(entry.file_size for entry in content.infolist())
        except zipfile.BadZipFile as error:
            raise DGTalkerError(f"{wheel.name} is not a wheel: {error}.", "Install again.") from error
    return total


def _bytes_in(folder: Path) -> int:
    """Of all files in a folder that others write to."""
    total, left = 0, [str(folder)]
    while left:
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def _self_test(children: _Children, python: Path) -> None:
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


def _site_packages(environment: Path) -> Path:
    if os.name == "nt":
        return environment / "Lib" / "site-packages"
    found = sorted((environment / "lib").glob("python3*"))
    return (found[-1] if found else environment / "lib" / "python3") / "site-packages"
