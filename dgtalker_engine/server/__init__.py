"""One connection, its requests, progress and cancel; and the same work from the command line."""

from __future__ import annotations
