"""People who do not exist: pictures of them at once, and one of them as an avatar, in a process of its own."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DGTalkerError
from ..wire.people import MAX_PEOPLE, MAX_SIDE, PersonRequest
from .child import Child, serve
from .session import Answer, Progress

if TYPE_CHECKING:
    from ..systems.dgtalker.generator import Generator


class Portraits:
    """Keeps the prior between requests: it is read again where its file has changed."""

    def __init__(self) -> None:
        self._read: tuple[tuple[Path, int], Generator] | None = None

    def draw(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        """Pictures of people; see docs/prior.md.

        Raises:
            DGTalkerError: there is no prior, or the request cannot be read.
            Cancelled: `progress` raised it.
        """
        try:
            side, people = int(header["side"]), json.loads(body)
            if not 0 < side <= MAX_SIDE or not isinstance(people, list) or len(people) > MAX_PEOPLE:
                raise ValueError(f"at most {MAX_PEOPLE} pictures of at most {MAX_SIDE} pixels")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise DGTalkerError(f"The request for pictures of people cannot be read: {error!r}.") from error
        requests = [PersonRequest.from_json(person) for person in people]
        from ..systems.dgtalker.population.traits import traits_of
        from ..systems.dgtalker.prior.sampling import code_of, portrait

        generator = self._generator()
        pictures, traits = [], []
        for done, request in enumerate(requests):
            progress(done / len(requests), "Drawing people")
            code = code_of(request)
            pictures.append(portrait(generator, generator.mapping(code), side))
            traits.append(traits_of(code[0].numpy()))
        return {"traits": traits}, pictures

    def _generator(self) -> Generator:
        from ..capture import face_model
        from ..systems.dgtalker.prior import file

        path = file.chosen()
        stamp = (path, path.stat().st_mtime_ns if path.is_file() else 0)
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, file.read(path, face_model.load())
        return self._read[1]


def make(request: dict[str, Any], progress: Progress) -> Answer:
    """The avatar of a person as a .dgt file; see docs/prior.md. The engine's side.

    Raises:
        DGTalkerError: there is no prior, the request cannot be read, or the process ended unexpectedly.
        Cancelled: `progress` raised it.
    """
    with closing(Child.of(__name__)) as child:
        return child.ask(request, bytearray(), progress, begin="Starting", crashed=_crashed)


def _crashed(code: int) -> DGTalkerError:
    return DGTalkerError(
        f"What makes people ended unexpectedly (exit code {code}).",
        "There may be too little memory: close other programs. The engine's log has the details.",
    )


def _make(request: dict[str, Any], data: bytearray, progress: Progress) -> tuple[dict[str, Any], bytes]:
    try:
        name, person = str(request["name"]), request["person"]
    except KeyError as error:
        raise DGTalkerError(f"The request to make a person lacks {error}.") from error
    asked = PersonRequest.from_json(person)
    from .. import avatar
    from ..capture import face_model
    from ..systems.dgtalker.prior import file, sampling

    generator = file.read(file.chosen(), face_model.load())
    made = sampling.made(generator, asked, name, lambda share: progress(share, f"Making {name}"))
    answer = {"psnr": made.error.psnr, "lip_error": made.error.lip_error}
    return answer, avatar.pack(made.avatar)


if __name__ == "__main__":
    serve(_make)
