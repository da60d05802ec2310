"""The process that listens to a microphone: sound in; weights, and a sound file that is whole at every moment, out.

It is a process of its own, since a driver may crash or hang, and since whatever keeps the engine's lock would be heard
as a delay. Messages are `wire.json_lines`: first what to listen to; then, from here, that it listens, the weights as
they are known, and how it ended. It ends with the engine, and with the file kept.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import wave
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DGTalkerError
from ..speech.live import sources
from ..speech.live.decimation import CAPTURE_RATE
from ..speech.live.mouth import INTERVAL, NAMES, LiveMouth
from ..wire.json_lines import pipes, receive, send

_AFTER = 0.2
"""Seconds of silence that let the mouth come to what it does at the end."""


def main() -> None:
    """Listens as the first message says, until another one comes or there is nothing more to hear."""
    requests, answers = pipes()
    request = receive(requests)
    stopped = threading.Event()
    threading.Thread(target=_wait, args=(requests, stopped), name="engine", daemon=True).start()
    try:
        ended = _listen(request, answers, stopped)
    except DGTalkerError as error:
        ended = error
    except BrokenPipeError:
        os._exit(0)
    said = [ended.message, ended.hint, ended.code] if ended else []
    with contextlib.suppress(BrokenPipeError):
        send(answers, {"ended": said})
    os._exit(0)  # a driver that hangs may not keep the process


def _wait(requests: BufferedReader, stopped: threading.Event) -> None:
    """Waits for the message to stop, and ends the process as soon as the engine has ended."""
    with contextlib.suppress(EOFError, OSError, ValueError):
        receive(requests)
        stopped.set()
        receive(requests)
    os._exit(0)


def _listen(request: dict[str, Any], answers: BufferedWriter, stopped: threading.Event) -> DGTalkerError | None:
    """Listens until it is told to stop, or the source ends; what the user is told of why, if anything.

    Raises:
        DGTalkerError: it could not begin; nothing was written.
        BrokenPipeError: the engine is gone.
    """
    from ..speech.lipsync import weights

    mouth = LiveMouth(weights.shipped())
    mouth.push(np.zeros(CAPTURE_RATE // 5, np.float32))  # what is slow at first is not slow in the first word
    mouth = LiveMouth(weights.shipped())
    file = str(request["file"])
    source = sources.FileSource(Path(file)) if file else sources.Microphone(str(request["microphone"]))
    blocks = source.blocks()
    block = next(blocks, None)
    if block is None:
        return None
    raw = _created(Path(str(request["path"])))  # not before there is something to write
    recording = wave.open(raw, "wb")  # noqa: SIM115 (to close it may fail, too)
    recording.setnchannels(1)
    recording.setsampwidth(2)
    recording.setframerate(CAPTURE_RATE)
    begun = time.monotonic() - len(block) / CAPTURE_RATE
    send(answers, {"listening": True, "names": NAMES, "interval": INTERVAL, "begun": begun})
    heard = 0
    try:
        while block is not None:
            heard += len(block)
            block = np.nan_to_num(np.clip(block, -1.0, 1.0))
            recording.writeframes(np.round(block * 32767).astype("<i2").tobytes())  # the header, too
            _tell(answers, mouth.push(block), heard, float(np.abs(block).max(initial=0.0)))
            block = None if stopped.is_set() else next(blocks, None)
    except DGTalkerError as error:
        return error
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        return DGTalkerError(
            f"The recording could not be written any further: {error.strerror or error}.",
            "What was recorded before is kept. Make room on the disk.",
        )
    finally:
        for last in (recording.close, raw.close):
            with contextlib.suppress(OSError):  # a full disk, which was said above
                last()
        with contextlib.suppress(OSError):
            _tell(answers, mouth.push(np.zeros(round(_AFTER * CAPTURE_RATE), np.float32)), heard, 0.0)
    return None


def _tell(answers: BufferedWriter, rows: np.ndarray, heard: int, peak: float) -> None:
    data = rows.astype("<f4").tobytes()
    send(answers, {"rows": len(rows), "seconds": heard / CAPTURE_RATE, "peak": peak, "bytes": len(data)}, data)


def _created(path: Path) -> Any:
    """A file that was not there, open for writing. Raises DGTalkerError where it cannot be made."""
    try:
        return path.open("xb")  # never through a link, never over anything
    except OSError as error:
        raise DGTalkerError(
            f"The recording {path} cannot be written: {error.strerror or error}.", "Save the .blend in another folder."
        ) from error


if __name__ == "__main__":
    main()
