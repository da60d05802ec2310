"""Photometric refinement of a clip's tracks."""

from .refinement import refine

__all__ = ["refine"]
