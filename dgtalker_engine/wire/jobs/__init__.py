"""Long work that goes on without Blender: its folder, its process, and finding it again.

Standard library only: Blender starts and watches jobs with this same code; docs/training.md lists a folder's files.
"""

from __future__ import annotations

from .folder import Job, Request, State, create, known
from .removal import finish_removals, remove
from .start import start

__all__ = ["Job", "Request", "State", "create", "finish_removals", "known", "remove", "start"]
