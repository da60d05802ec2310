#!/usr/bin/env python3
"""Every task of this repository; standard library only, Python 3.10 or newer.

    python build.py demo [AUDIO] [--out DIR]   a talking shot from a recording, made by the real extension
    python build.py test [pytest arguments]    every test, on both Blenders, and in a window where there is one
    python build.py lint                       format, lint and types
    python build.py package [--out DIR]        the engine's wheel and the extension's zip; --cuda: gsplat's wheel, too;
                                               --wheelhouse DIR: a folder to install the engine from without internet;
                                               --repo DIR: a folder that Blenders install and update the extension from
    python build.py avatar [NAME…]             the built-in heads, made anew with Cycles; --check: are they up to date?
    python build.py train speech [--clips DIR]  the model that moves lips, made anew; further options: train speech -h
    python build.py train face-model --head DIR the face model, learned anew from ICT-FaceKit
    python build.py bench NAME [arguments]     wire, responses, keys, render, raster, speech …: figures as JSON
    python build.py lock                       wheels/*.txt from wheels/*.in: versions and hashes of all packages

Each environment is made once, under .build/, when a task first needs it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from building import locks, packaging, tasks, testing
from building.repository import BuildError, check_python, say


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="task", required=True)
    demo = commands.add_parser("demo", help="a talking shot from a recording")
    demo.add_argument("audio", type=Path, nargs="?", help="a sound file (default: the bundled sample)")
    demo.add_argument("--out", type=Path, default=Path("demo"), help="the folder for frames, film and .blend")
    commands.add_parser("test", help="every test; further arguments go to pytest", add_help=False)
    commands.add_parser("lint", help="format, lint and types")
    pack = commands.add_parser("package", help="the engine's wheel and the extension's zip")
    pack.add_argument("--out", type=Path, default=packaging.DIST, help="the folder for the zip")
    pack.add_argument("--cuda", action="store_true", help="also gsplat's wheel, for NVIDIA GPUs; needs nvcc")
    pack.add_argument("--wheelhouse", type=Path, metavar="DIR", help="also a folder to install from without internet")
    pack.add_argument("--platform", action="append", help="of the wheelhouse, for instance linux-x64 (default: all)")
    pack.add_argument("--repo", type=Path, metavar="DIR", help="also a folder that Blenders install and update from")
    avatar = commands.add_parser("avatar", help="make the built-in heads anew: minutes each")
    avatar.add_argument("names", nargs="*", metavar="NAME", help="whom (default: everyone)")
    avatar.add_argument("--check", action="store_true", help="only say which heads the code would now make otherwise")
    avatar.add_argument("--sheets", action="store_true", help="draw the sheets in docs/; heads only where named")
    train = commands.add_parser("train", help="make a model anew; further arguments go to its training", add_help=False)
    train.add_argument("model", choices=tasks.MODELS)
    train.add_argument("--clips", type=Path, help="a folder of videos of people who speak")
    commands.add_parser("bench", help="figures as JSON").add_argument("name")
    commands.add_parser("lock", help="pin all packages anew: versions and hashes")
    return parser


def carry_out(options: argparse.Namespace, rest: list[str]) -> int:
    """Run the task; its exit code."""
    if options.task == "test":
        return testing.test(rest)
    if options.task == "demo":
        tasks.demo(options.audio, options.out)
    elif options.task == "lint":
        tasks.lint()
    elif options.task == "package":
        tasks.make_packages(options.out, options.cuda, options.wheelhouse, options.platform, options.repo)
    elif options.task == "avatar":
        tasks.avatar(options.names, options.check, options.sheets)
    elif options.task == "train":
        tasks.train(options.model, options.clips, rest)
    elif options.task == "lock":
        locks.lock()
    else:
        tasks.bench(options.name, rest)
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = command_line()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.task not in ("test", "train", "bench"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    try:
        check_python()
        return carry_out(options, rest)
    except (BuildError, OSError, subprocess.SubprocessError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped; the next run goes on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main())
