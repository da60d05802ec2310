"""Installing the engine: what is downloaded, the download, the environment, its removal. No Blender; `ui` has the buttons."""
