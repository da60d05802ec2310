"""`python -m dgtalker_engine.systems.face_model`: learns the face model. `python build.py train face-model` runs it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ...capture.face_model import SHIPPED
from ...errors import DGTalkerError
from .config import FaceModelConfig
from .export import export
from .source import read_source
from .train import train


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.systems.face_model", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=SHIPPED, help="the file to write (default: the shipped one)")
    parser.add_argument("--head", type=Path, required=True, help="the folder with ICT-FaceKit")
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    config = FaceModelConfig()
    try:
        source = read_source(options.head)
        figures = export(options.out, train(config, source, say), source, config)
    except DGTalkerError as error:
        say(str(error))
        return 1
    for name, figure in figures.items():
        say(f"{name}: mean {figure['mean']:.2f} mm, 95 % below {figure['p95']:.2f} mm")
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
