"""A job's folder: what is asked for, how far it is, and how it ended, for whoever looks into it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, cast

from ...errors import DGTalkerError
from ...files import patiently, printable, remove_unfinished, write_whole
from .processes import start_time

REQUEST, PROCESS, PROGRESS, RESULT = "request.json", "process.json", "progress.jsonl", "result.json"
ERROR, CANCEL, LOCK, LOG, PREVIEW = "error.json", "cancel", "lock", "log.txt", "preview.png"
VERSION = 1

_TAIL = 65536


class State(Enum):
    """What has become of a job. All but running and finished ones can be started, and go on where they were."""

    WAITING = "waiting"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    FINISHED = "finished"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a job is to do.

    Attributes:
        trainer: by what name the engine knows it.
        config: of the training, `Config.to_json`.
        input: what is trained from, a file or folder.
        output: the file to write.
        face_model: the user's own face model, a file; empty: the engine's, or the one that a clip was fitted with.
        consent: the record of whoever is seen or heard, which goes into what is written.
    """

    trainer: str
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    input: str = ""
    output: str = ""
    face_model: str = ""
    consent: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Job:
    """A job by its folder. Nothing is kept here: every property looks into the folder."""

    folder: Path

    @property
    def request(self) -> Request:
        """
        Raises:
            DGTalkerError: there is none, or it is of another version.
        """
        read = self._read(REQUEST)
        try:
            if read is None or read.pop("version") != VERSION:
                raise KeyError("version")
            return Request(**read)
        except (KeyError, TypeError) as error:
            raise DGTalkerError(
                f"{printable(self.folder)} is not the folder of a job that this version knows."
            ) from error

    @property
    def state(self) -> State:
        """Of its process, too, whoever started it."""
        runs = self._runs()  # before its result is looked for, which is written before it ends
        if (self.folder / RESULT).is_file():
            return State.FINISHED
        if (self.folder / ERROR).is_file():
            return State.FAILED
        if runs:
            return State.RUNNING
        if self.cancel_wanted:
            return State.CANCELLED
        return State.INTERRUPTED if (self.folder / PROCESS).is_file() else State.WAITING

    @property
    def progress(self) -> dict[str, Any] | None:
        """The last line of its progress that is whole: step, of, losses, seconds, eta."""
        try:
            with (self.folder / PROGRESS).open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - _TAIL))
                lines = file.read().split(b"\n")[:-1]  # behind the last line's end is nothing, or half a line
        except OSError:
            return None
        for line in reversed(lines):
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict):
                    return cast("dict[str, Any]", said)
        return None

    @property
    def preview(self) -> Path:
        """Its newest picture; the file need not be there yet."""
        return self.folder / PREVIEW

    @property
    def result(self) -> dict[str, Any] | None:
        """What its trainer returned, once it has finished."""
        return self._read(RESULT)

    @property
    def error(self) -> DGTalkerError | None:
        """Why it failed."""
        said = self._read(ERROR)
        if said is None:
            return None
        return DGTalkerError(said.get("message", ""), said.get("hint", ""), said.get("code", "error"))

    @property
    def cancel_wanted(self) -> bool:
        """Whether `cancel` was called since it was last started."""
        return (self.folder / CANCEL).exists()

    def cancel(self) -> None:
        """Asks it to stop; it ends after the step that it is at, with a checkpoint.

        Raises:
            DGTalkerError: the disk does not take it.
        """
        write_whole(self.folder / CANCEL)

    @property
    def python(self) -> str:
        """The Python that runs it, or ran it last; empty where none did."""
        return str((self._read(PROCESS) or {}).get("python", ""))

    def record_process(self, pid: int, python: str = sys.executable) -> None:
        """For whoever starts or is its process."""
        write_whole(self.folder / PROCESS, _json({"pid": pid, "started": start_time(pid), "python": python}))

    def record_result(self, result: Mapping[str, Any]) -> None:
        """For its process."""
        write_whole(self.folder / RESULT, _json(result))

    def record_error(self, error: DGTalkerError) -> None:
        """For its process."""
        said = {"message": error.message, "hint": error.hint, "code": error.code}
        write_whole(self.folder / ERROR, _json(said))

    def clear(self) -> None:
        """Forgets that it was cancelled or failed, and what a kill left half written, before it is started again.

        For whoever holds its lock: nobody writes these files then.
        """
        for name in (CANCEL, ERROR):
            path = self.folder / name
            patiently(lambda path=path: path.unlink(missing_ok=True))
        for name in (PROCESS, RESULT, ERROR, PREVIEW):
            remove_unfinished(self.folder / name)

    def _runs(self) -> bool:
        process = self._read(PROCESS)
        return process is not None and process.get("started") == start_time(int(process.get("pid", 0))) != ""

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            read = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return None
        return cast("dict[str, Any]", read) if isinstance(read, dict) else None


def create(parent: Path, request: Request) -> Job:
    """A new job's folder below `parent`, which is made; nothing is started.

    Raises:
        DGTalkerError: the disk does not take it.
    """
    name = f"{time.strftime('%Y-%m-%d %H-%M-%S')} {request.trainer} {secrets.token_hex(2)}"
    unborn = parent / f".{name}"
    try:
        unborn.mkdir(parents=True)
        write_whole(unborn / REQUEST, _json({"version": VERSION} | asdict(request)))
        # Whoever lists jobs sees it with its request, or not at all.
        return Job(unborn.rename(parent / name))
    except (OSError, DGTalkerError) as error:
        shutil.rmtree(unborn, ignore_errors=True)
        if isinstance(error, DGTalkerError):
            raise
        raise DGTalkerError(f"{parent} cannot be written to: {error.strerror}.", "Make room on the disk.") from error


def known(parent: Path) -> list[Job]:
    """The jobs below a folder, the oldest first."""
    if not parent.is_dir():
        return []
    folders = sorted(path for path in parent.iterdir() if not path.name.startswith("."))
    return [Job(path) for path in folders if (path / REQUEST).is_file()]


def rival(job: Job) -> Job | None:
    """Another job beside this one that is not over and writes the same file; None where there is none.

    Raises:
        DGTalkerError: as `Job.request`.
    """
    output = job.request.output
    for other in known(job.folder.parent) if output else ():
        if other.folder == job.folder or other.state in (State.FINISHED, State.FAILED):
            continue
        with contextlib.suppress(DGTalkerError):  # another version's
            if _same_file(other.request.output, output):
                return other
    return None


def _same_file(one: str, other: str) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode()
