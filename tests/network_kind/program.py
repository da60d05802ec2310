"""Stands for the engine's Python in tests: `program.py -I -m dgtalker_engine serve …` does what Python would with these
arguments, in a process that knows the kind of avatar of `network`. `program.py write FILE` writes such an avatar.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import network

from dgtalker_engine import avatar

avatar.KINDS[network.NAME] = network.KIND
if sys.argv[1] == "write":
    avatar.save(network.made(), Path(sys.argv[2]))
else:
    sys.argv = sys.argv[sys.argv.index("dgtalker_engine") :]
    runpy.run_module("dgtalker_engine", run_name="__main__", alter_sys=True)
