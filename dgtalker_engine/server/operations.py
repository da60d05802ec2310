"""What Blender can ask for, as docs/architecture.md lists it.

What is heavy (torch, Numba) is imported where it is used, so that the handshake is quick; `warm_up` does it beforehand.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import DGTalkerError
from ..wire import MAX_BODY, SequenceRequest, Shot, SignRequest, pack
from . import live, people, splats, video_capture
from .listener import Listener
from .loading import loading
from .open_avatars import OpenAvatars
from .session import Answer, Progress

APART = (
    "capture_performance", "live_read", "live_start", "live_stop", "make_person", "microphones", "render_sequence",
    "sign_files", "view",
)  # fmt: skip
"""What takes minutes, in another process or beside the rest, while the engine goes on; and the viewport's pictures and
live lips, which wait for nothing else."""

log = logging.getLogger(__name__)


class Operations:
    """The operations of one connection, and the avatars that it has opened."""

    def __init__(self, *, speech_on_demand: bool) -> None:
        self._speech_on_demand = speech_on_demand
        self._avatars = OpenAvatars()
        self._listener = Listener()
        self._live = live.Live()
        self._portraits = people.Portraits()

    def warm_up(self) -> None:
        """Imports what the operations need; an environment that is broken shows when an operation is asked for."""
        try:
            with loading():
                from ..rendering import warm

                if warm.is_warm():  # otherwise it would compile for seconds, and what is asked first may be no picture
                    warm.warm_up()
        except ImportError:
            log.exception("the engine's environment is incomplete")
        if not self._speech_on_demand:
            self._listener.prepare()

    def handle(self, op: str, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        """Does one request.

        Raises:
            DGTalkerError: what the user is told.
        """
        operations: dict[str, Callable[[dict[str, Any], bytearray, Progress], Answer]] = {
            "doctor": self._doctor,
            "open_avatar": self._open_avatar,
            "animate": self._animate,
            "capture_performance": self._capture_performance,
            "draw_people": self._draw_people,
            "export_splats": self._export_splats,
            "import_splats": self._import_splats,
            "live_read": self._live_read,
            "live_start": self._live_start,
            "live_stop": self._live_stop,
            "make_person": self._make_person,
            "microphones": self._microphones,
            "render": self._render,
            "render_sequence": self._render_sequence,
            "sign_files": self._sign_files,
            "view": self._view,
        }
        if op not in operations:
            raise DGTalkerError(f"The engine cannot do {op[:80]!r}.", "Update the engine and the extension together.")
        try:
            return operations[op](header, body, progress)
        except ImportError as error:
            raise DGTalkerError(
                f"The engine's environment is incomplete: {error}.", "Install the engine again; doctor shows more."
            ) from error

    def _doctor(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        from .doctor import examine

        return {"report": examine()}, []

    def _open_avatar(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        from .. import avatar

        name = header.get("builtin")
        return self._opened(bytes(body), False) if name is None else self._opened(avatar.builtin(str(name)), True)

    def _opened(self, file: bytes, with_file: bool) -> Answer:
        """Holds the avatar of a .dgt file, and says what Blender makes a head of."""
        import numpy as np

        from .. import avatar, systems
        from ..avatar.base import corrective_indices

        opened = avatar.load(file)
        proxy = opened.proxy
        manner = systems.manner_part(file)
        self._avatars.add(opened, manner)
        arrays: dict[str, Any] = {
            "vertices": proxy.vertices,
            "faces": proxy.faces,
            "uv": proxy.uv,
            "colours": proxy.colours,
            "deltas": proxy.deltas,
            "surfaces": np.zeros(len(proxy.faces), np.uint8) if proxy.surfaces is None else proxy.surfaces,
            "correctives": corrective_indices(proxy.correctives, opened.rig),
        }
        if with_file:
            arrays["file"] = file
        specs, buffers = pack(arrays)
        metadata = opened.metadata.to_json()
        rig = metadata.pop("rig")
        for name in ("correctives", "joints", "latents"):  # the proxy has what Blender makes of them
            metadata.pop(name, None)
        return {"avatar": opened.metadata.hash, "metadata": metadata, "rig": rig, "proxy": specs}, buffers

    def _import_splats(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        file, notes = splats.made_avatar(header, progress)
        answer, buffers = self._opened(file, True)
        return {**answer, "notes": notes}, buffers

    def _export_splats(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        shot = _single_frame(body)
        avatars = self._avatars.get(shot.avatars)
        return {"gaussians": splats.written(header, shot.frames[0], avatars, progress)}, []

    def _animate(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        avatar = header.get("manner_of")
        manner = self._avatars.manner(str(avatar)) if avatar else b""
        return self._listener.animate(header, body, manner, progress)

    def _capture_performance(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        return video_capture.capture_performance(header, progress)

    def _draw_people(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        return self._portraits.draw(header, body, progress)

    def _live_read(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        return self._live.read(header)

    def _live_start(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        return self._live.start(header, progress)

    def _live_stop(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        return self._live.stop(header)

    def _microphones(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        return live.microphones(progress)

    def _make_person(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        return people.make(header, progress)

    def _render(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        shot = _single_frame(body)
        avatars = self._avatars.get(shot.avatars)
        _x, _y, width, height = shot.region or (0, 0, shot.width, shot.height)
        most = MAX_BODY // (4 * shot.numbers_per_pixel)
        if width * height > most:
            raise DGTalkerError(
                f"A picture of {width} × {height} pixels is too large to be sent at once.",
                f"Render it in regions of at most {most} pixels.",
            )
        from ..rendering.passes import render_with_planes

        def tick(done: float) -> None:
            progress(done, "Rendering")

        tick(0.0)
        picture, planes = render_with_planes(shot, shot.frames[0], avatars, tick)
        sent = [picture.rgba, picture.depth, picture.hidden, *(planes[each.name] for each in shot.planes)]
        return {"width": width, "height": height}, sent

    def _render_sequence(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        request = SequenceRequest.from_message(header, body)
        avatars = [self._avatars.get(shot.avatars) for shot in request.shots]
        import numpy as np

        from ..rendering.formats import Format
        from ..rendering.sequence import Rules, render_files
        from ..rendering.signing.signer import Signer

        side = round((len(request.display) / 12) ** (1 / 3))
        cube = np.frombuffer(request.display, "<f4").reshape(side, side, side, 3) if request.display else None
        signer = None if request.credential is None else Signer(request.credential)
        rules = Rules(whole=request.whole, overwrite=request.overwrite, signer=signer)
        files = [Path(file) for file in request.files]
        written = render_files(request.shots, avatars, files, Format(request.format, cube), progress, rules)
        return {"rendered": written.rendered, "kept": len(files) - written.rendered}, []

    def _sign_files(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        from ..rendering.signing.signer import Signer, manifest

        request = SignRequest.from_header(header)
        signer = Signer(request.credential, proven=bool(request.files))
        for i, file in enumerate(request.files):
            progress(i / len(request.files), f"Signing {Path(file).name}")
            signer.sign_file(Path(file), manifest(request.avatars, request.composite))
        return {"signed": len(request.files)}, []

    def _view(self, header: dict[str, Any], body: bytearray, progress: Progress) -> Answer:
        shot = _single_frame(body)
        avatars = self._avatars.get(shot.avatars)
        from ..rendering.viewport import render_packed

        picture = render_packed(shot, avatars)
        return {"rectangle": picture.rectangle, "depths": picture.depths}, [picture.pixels]


def _single_frame(body: bytearray) -> Shot:
    shot = Shot.from_json(bytes(body))
    if len(shot.frames) != 1:
        raise DGTalkerError(f"A request to render holds one frame, not {len(shot.frames)}.")
    return shot
