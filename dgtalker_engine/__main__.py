"""`python -m dgtalker_engine --help`"""

from __future__ import annotations

import sys

from .server.cli import main

sys.exit(main(sys.argv[1:]))
