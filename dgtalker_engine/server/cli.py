"""The command line: the engine's work without Blender."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from ..errors import DGTalkerError


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m dgtalker_engine",
        description="DGTalker's engine: speech to facial motion, and Gaussian heads to pictures.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="serve the Blender that started this process")
    serve.add_argument("--fd", type=int, help="an inherited socket")
    serve.add_argument("--port", type=int, help="a port of 127.0.0.1 to connect back to")
    serve.set_defaults(run=_serve)

    doctor = commands.add_parser("doctor", help="what was found on this machine, and what to do about what is missing")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(run=_doctor)
    return top


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except DGTalkerError as error:
        print(f"dgtalker: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"          {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dgtalker: stopped", file=sys.stderr)
        return 130


def _serve(options: argparse.Namespace) -> int:
    from .serve import serve

    return serve(descriptor=options.fd, port=options.port)


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import as_text, examine

    report = examine()
    print(json.dumps(report, indent=1) if options.json else as_text(report))
    return 0 if report["ok"] else 1
