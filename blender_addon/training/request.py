"""What is needed before a head can be trained, and the request that the engine gets. Needs no Blender."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import consent, jobs

SUFFIX = ".dgt"
CLIP_DOCUMENT = "clip.json"
"""By this file in it a folder is known as a Clip."""

STATUSES: tuple[tuple[str, str, str], ...] = (
    ("ASK", "Not Given", "Whose face the video shows was not said yet"),
    ("self", "My Own Face", "The face is yours"),
    ("signed", "Signed", "This person has agreed in writing to what the head will be used for"),
    ("synthetic", "Synthetic", "An animated or generated face that shows no real person"),
)
"""Items of an EnumProperty: the consent's status, and that it was not given yet."""

GRANTED_BY = {"signed": "Granted By", "synthetic": "Made By"}
"""What the person is called who stands for the consent, where it is not the one who is shown."""

_MISSING = {
    "status": "Say whose face it is first: without consent no head is made.",
    "subject": "Write whose face it is first.",
    "scope": "Write what the head may be used for first.",
    "granted_by": "Write who has signed first.",
}


@dataclass(frozen=True, kw_only=True)
class Consent:
    """Whose face it is; the fields of `avatar.base.Consent`, but for the date, which is today's."""

    status: str = "ASK"
    subject: str = ""
    scope: str = ""
    granted_by: str = ""

    def missing(self) -> str:
        """What has yet to be said; empty where all is."""
        lacking = consent.missing(self._completed())
        if not lacking:
            return ""
        if lacking[0] == "subject" and self.status == "synthetic":
            return "Write what the face shows first."
        return _MISSING[lacking[0]]

    def record(self) -> dict[str, str]:
        """As it goes into the head's file. Raises DGTalkerError where something is missing."""
        missing = self.missing()
        if missing:
            raise DGTalkerError(missing, code="no_consent")
        return self._completed()

    def _completed(self) -> dict[str, str]:
        granted_by = self.granted_by if self.status in GRANTED_BY else ""
        said = {"status": self.status, "subject": self.subject, "scope": self.scope, "granted_by": granted_by}
        return consent.completed({**said, "date": datetime.date.today().isoformat()})


@dataclass(frozen=True, kw_only=True)
class HeadRequest:
    """A head that is wanted.

    Attributes:
        source: a video, or the folder of a Clip; absolute.
        system: one of `systems.SYSTEMS`.
        output: the file to write, absolute; the head gets its name.
        consent: whose face it is.
    """

    source: Path
    system: str
    output: Path
    consent: Consent

    def job_request(self) -> jobs.Request:
        """
        Raises:
            DGTalkerError: consent is missing, or the video is not there.
        """
        consent = self.consent.record()
        if self.source.is_dir() and not (self.source / CLIP_DOCUMENT).is_file():
            raise DGTalkerError(f"{self.source} is not the folder of a Clip.", "Choose a video file.")
        if not self.source.exists():
            raise DGTalkerError(f"The video {self.source} is not there.", "Choose another file.")
        return jobs.Request(
            trainer=self.system,
            input=str(self.source),
            output=str(self.output),
            consent=consent,
        )


def source_of(path: Path) -> Path:
    """What is meant where somebody chose this file: a Clip's folder for a file in it."""
    return path.parent if path.name == CLIP_DOCUMENT else path


def name_of(source: Path) -> str:
    """``interview_sara.mp4`` → ``Interview Sara``."""
    words = re.split(r"[\s_.]+", source.name if source.is_dir() else source.stem)
    return " ".join(word[:1].upper() + word[1:] for word in words if word)


def file_name(name: str) -> str:
    """A file name for a head of this name that every system takes."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .") + SUFFIX
