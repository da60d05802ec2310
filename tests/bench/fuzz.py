"""How many inputs were broken, and what came of them: anything but a clear error or a sound result is a fault.

Run by `python build.py bench fuzz [--rounds N] [--seed N] [NAME …]`; prints JSON. Each input is broken by the
generator of tests/engine/broken_inputs.py, with other seeds than the tests have. A fault is an exception that is no
DGTalkerError, a result that is not finite, more than a second, or more than 500 MB. Where there are any, each is named
with the seed that makes it again, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
import broken_inputs

SLOW, LARGE = 1.0, 500.0
"""Seconds, and megabytes above what the process had before."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="which inputs (default: all)")
    parser.add_argument("--rounds", type=int, default=10_000, help="of each input")
    parser.add_argument("--seed", type=int, default=1_000_000, help="of the first round")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    results = {}
    with np.errstate(all="ignore"):
        for name in options.names or broken_inputs.CASES:
            valid, _, use = broken_inputs.CASES[name]
            use(valid)  # what is compiled or loaded once does not count
            results[name] = measured(name, range(options.seed, options.seed + options.rounds))
    print(json.dumps(results, indent=1))
    return int(any(result["faults"] for result in results.values()))


def measured(name: str, seeds: range) -> dict[str, Any]:
    faults: dict[str, int] = {}
    slowest, before = 0.0, peak()
    for seed in seeds:
        started = time.perf_counter()
        try:
            broken_inputs.try_one(name, seed)
        except Exception as error:  # noqa: BLE001 (these are what is looked for)
            place = traceback.extract_tb(error.__traceback__)[-1]
            faults.setdefault(f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}", seed)
        took = time.perf_counter() - started
        slowest = max(slowest, took)
        if took > SLOW:
            faults.setdefault("more than a second", seed)
        if peak() - before > LARGE:
            faults.setdefault("more than 500 MB", seed)
            before = peak()
    return {"rounds": len(seeds), "slowest_ms": round(1000 * slowest, 1), "faults": faults}


def peak() -> float:
    """Megabytes that the process had at most."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
