"""The command line: the engine's work without Blender."""
