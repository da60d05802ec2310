"""Which jobs' heads a scene waits for: their names stand in the scene, so that only the file that asked gets them.

A .blend may come from anywhere: a name in it is only ever compared with those of this user's own jobs, and nothing is
started because a file is opened.
"""

from __future__ import annotations

from typing import Any

import bpy


def names(scene: bpy.types.Scene) -> list[str]:
    owner: Any = scene
    return owner.dgtalker_awaited.splitlines()


def add(scene: bpy.types.Scene, job: str) -> None:
    _set(scene, [*(name for name in names(scene) if name != job), job])


def remove(scene: bpy.types.Scene, job: str) -> None:
    _set(scene, [name for name in names(scene) if name != job])


def scenes(job: str) -> list[bpy.types.Scene]:
    """Those of this file that wait for a job, and may be changed."""
    return [scene for scene in bpy.data.scenes if scene.is_editable and job in names(scene)]


def _set(scene: bpy.types.Scene, jobs: list[str]) -> None:
    owner: Any = scene
    owner.dgtalker_awaited = "\n".join(jobs)
