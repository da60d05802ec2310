"""The engine without what it loads beforehand, and with a report that looks for nothing: it starts in a moment.

Stands in for the engine's Python in tests of its life and its connection, which start and kill engines by the dozen.
"""

from __future__ import annotations

import sys

from dgtalker_engine.cli.main import main
from dgtalker_engine.server import doctor
from dgtalker_engine.server.operations import Operations

Operations.warm_up = lambda self: None
doctor.examine = lambda: {"version": doctor.version(), "ok": True, "lines": [doctor._engine()] * 12}
sys.exit(main(sys.argv[sys.argv.index("dgtalker_engine") + 1 :]))
