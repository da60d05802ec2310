"""The suites of tests: which environment runs each, and one closing line over all of them."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from . import repository
from .environments import BLENDERS, WORKSHOP, Environment, ensure
from .packaging import ensure_engine, package
from .repository import ROOT, BuildError, say

UNFINISHED = (2, 3, 4)
"""pytest's exit codes that say that not all tests ran, though a report was written."""

AT_ONCE = 2
"""Suites that run side by side: each keeps about one core busy."""


def suites(arguments: list[str]) -> dict[str, tuple[Environment, list[str]]]:
    """For each suite its environment and pytest's arguments; paths among the arguments choose the suites."""
    paths = [word for word in arguments if word.replace("\\", "/").startswith("tests/")]
    others = [word for word in arguments if word not in paths]
    if not paths:
        return {suite: (environment, [*words, *others]) for suite, (environment, words) in _every_suite().items()}
    rooms = {"engine": ("tests/engine", WORKSHOP)}
    rooms |= {f"blender-{version}": ("tests/addon", blender) for version, blender in BLENDERS.items()}
    rooms |= {"gui": ("tests/gui", WORKSHOP)}
    chosen: dict[str, tuple[Environment, list[str]]] = {}
    for suite, (room, environment) in rooms.items():
        if mine := [path for path in paths if path.replace("\\", "/").startswith(room)]:
            chosen[suite] = (environment, [*mine, *others])
    return chosen


def _every_suite() -> dict[str, tuple[Environment, list[str]]]:
    """All tests, each in one suite, in the order in which they end soonest: the longest suites do not come last.

    Those of the engine and of a Blender are two suites each, which share cores more evenly than one of twice that.
    """
    learning = [f"tests/engine/{room}" for room in ("capture", "systems", "training")]
    speech = "tests/addon/speech"
    every: dict[str, tuple[Environment, list[str]]] = {
        "engine": (WORKSHOP, ["tests/engine", *(f"--ignore={room}" for room in learning)]),
        "learning": (WORKSHOP, learning),
    }
    for version, blender in BLENDERS.items():
        every[f"blender-{version}"] = (blender, ["tests/addon", f"--ignore={speech}"])
    for version, blender in BLENDERS.items():
        every[f"blender-{version}-speech"] = (blender, [speech])
    return every | {"gui": (WORKSHOP, ["tests/gui"])}


def test(arguments: list[str]) -> int:
    """Every suite on the installed wheel and the installed zip; judged by JUnit files, since bpy may crash at exit."""
    chosen = suites(arguments)
    if not chosen:
        raise BuildError("None of these paths is below tests/engine, tests/addon or tests/gui.")
    wheel, archive = package()
    variables = {**os.environ, "DGTALKER_ENGINE_PYTHON": str(ensure_engine(wheel)), "DGTALKER_ZIP": str(archive)}
    for environment, _ in chosen.values():
        ensure(environment)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(_run_suite, suite, *chosen[suite], variables) for suite in chosen]
        try:
            counts = sum((Counter(suite.result()) for suite in running), Counter())
        except BaseException:  # Ctrl-C ends those that run; no other begins
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0


def _run_suite(suite: str, environment: Environment, words: list[str], variables: dict[str, str]) -> dict[str, int]:
    """How many tests of one suite passed, failed and were skipped; its output goes on behind the suite's name."""
    say(f"testing {suite}")
    report = repository.BUILD / "junit" / f"{suite}.xml"
    report.unlink(missing_ok=True)
    command = [environment.executable, "-I", "-m", "pytest"]
    command += ["-rs", "-p", "no:cacheprovider", f"--junitxml={report}", *words]
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(f"{suite}: {line}", end="", flush=True)
    if not report.is_file():
        say(f"{suite} ended without a report")
        return {"failed": 1}
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if process.returncode in UNFINISHED:
        say(f"{suite} ended before its last test: pytest's exit code is {process.returncode}")
        counts["failed"] += 1
    for result in ElementTree.parse(report).iter("testsuite"):
        bad = int(result.attrib["failures"]) + int(result.attrib["errors"])
        skipped = int(result.attrib["skipped"])
        counts["failed"] += bad
        counts["skipped"] += skipped
        counts["passed"] += int(result.attrib["tests"]) - bad - skipped
    return counts
