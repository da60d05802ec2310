"""`python -m dgtalker_engine --help`"""

from __future__ import annotations

import os
import sys

from .cli.main import main

code = main(sys.argv[1:])
# All is written. Python would take torch apart for half a second and more, while whoever asked waits.
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
