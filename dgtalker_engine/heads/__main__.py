"""`python -m dgtalker_engine.heads`: makes the built-in heads, or says which of them are out of date."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from ..avatar import ASSETS, save
from ..errors import DGTalkerError
from .code_digest import digest
from .make import Quality, make
from .sculpture.character import CHARACTERS

REPORT = "report.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.heads", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(CHARACTERS)} (default: all)")
    parser.add_argument("--blender", type=Path, help="a Python that has bpy of Blender 5.2")
    parser.add_argument("-o", "--output", type=Path, default=ASSETS, metavar="DIR", help="folder for the files")
    parser.add_argument("--check", action="store_true", help="only say which heads the code would now make otherwise")
    options = parser.parse_args(arguments)
    names = options.names or list(CHARACTERS)
    try:
        for name in names:
            if name not in CHARACTERS:
                raise DGTalkerError(f"There is no character {name!r}.", f"There is {', '.join(CHARACTERS)}.")
        if options.check:
            return check(names, options.output)
        if not options.blender:
            parser.error("--blender is needed to make heads")
        for name in names:
            make_one(name, options.blender, options.output)
    except DGTalkerError as error:
        print(f"heads: {error.message} {error.hint}", file=sys.stderr)
        return 1
    return 0


def make_one(name: str, blender: Path, output: Path) -> None:
    """Makes a head, writes its file, and what is to be said of it into the report."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        head, report = make(CHARACTERS[name], blender, Path(folder), Quality(), lambda text: say(name, text))
    save(head, output / f"{name}.dgt")
    everything = read_report(output) | {name: report}
    ordered = {other: everything[other] for other in CHARACTERS if other in everything}
    (output / REPORT).write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")


def check(names: list[str], output: Path) -> int:
    """0 where every head was made by the code as it is now, else 1; says which were not."""
    report, now = read_report(output), digest()
    old = [name for name in names if report.get(name, {}).get("code") != now]
    for name in old:
        say(name, "was made by other code than there is now; make it anew: python build.py avatar")
    return 1 if old else 0


def read_report(folder: Path) -> dict[str, dict]:
    path = folder / REPORT
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def say(name: str, text: str) -> None:
    print(f"{name}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
