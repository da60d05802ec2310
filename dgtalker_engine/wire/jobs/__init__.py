"""Folders of long work that goes on without Blender. Standard library only; Blender imports this same code."""
