"""`python -m dgtalker_engine.systems.face_model`: learns the face model. `python build.py train face-model` runs it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ...capture.face_model import SHIPPED, read
from ...errors import DGTalkerError
from .config import FaceModelConfig
from .export import export, export_landmark_bias
from .landmark_bias import bias_of, look
from .landmark_places import places_of_clips, places_of_source
from .source import read_source
from .train import train


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.systems.face_model", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=SHIPPED, help="the file to write (default: the shipped one)")
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--head", type=Path, help="the folder with ICT-FaceKit")
    given.add_argument(
        "--landmarks", action="store_true", help="only measure where MediaPipe sees the landmarks of the model in --out"
    )
    parser.add_argument(
        "--tracked", type=Path, help="a folder of clips, captured with the model in --out: they correct its landmarks"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    config = FaceModelConfig()
    try:
        if options.landmarks:
            model = read(options.out)
            export_landmark_bias(options.out, bias_of(model, look(model, config.looked_at, config.views, say)))
            say(f"wrote {options.out}")
            return 0
        source = read_source(options.head)
        places = places_of_clips(options.tracked, read(options.out)) if options.tracked else places_of_source(source)
        figures = export(options.out, train(config, source, places, say), source, config)
    except DGTalkerError as error:
        say(str(error))
        return 1
    for name, figure in figures.items():
        say(f"{name}: mean {figure['mean']:.2f} mm, 95 % below {figure['p95']:.2f} mm")
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB; what MediaPipe sees of it: --landmarks")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
