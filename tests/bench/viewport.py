"""Live heads in a real Blender window of 1280 × 720: updates a second, main-thread time, latency. Prints JSON.

Run by `python build.py bench viewport`, with a Blender of 4.5 or newer on the PATH or named by DGTALKER_BLENDER, and
Xvfb. The built-in head is nearly as tall as the window. "updates_per_s" counts pictures of the engine that were seen,
each of another view or face, while something changes with every redraw: "orbit" turns the view, "slider" moves the jaw.
"pictures_per_s" is what the engine alone gives in full and in half resolution, with nothing drawn meanwhile.
"redraw_ms" is what each redraw of the view takes of Blender's main thread for the heads, "tick_ms" what the timer that
talks to the engine does, both on the clock and of the processor. "slider_to_picture_ms" goes from the change of a
slider at rest to its picture being drawn. On a machine without a GPU Blender's own drawing takes its share of the
processors: "redraws_per_s" says how much, and "redraws_per_s_without_live_heads" of the mesh that stands in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sequence import hardware

SCRIPT = Path(__file__).resolve().parents[1] / "gui" / "viewport_speed.py"
BARS = {"updates_per_s": 20.0, "redraw_ms": 4.0}


def main() -> None:
    blender = os.environ.get("DGTALKER_BLENDER") or shutil.which("blender")
    if not blender or not shutil.which("Xvfb"):
        sys.exit("This needs Xvfb, and a Blender with a window: put it on the PATH, or name it by DGTALKER_BLENDER.")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x720x24", "+extension", "GLX"]
    server = subprocess.Popen([*command, "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as number, tempfile.TemporaryDirectory() as profile:
            report = Path(profile) / "report.json"
            variables = {**os.environ, "DISPLAY": f":{number.readline().strip()}", "DGTALKER_REPORT": str(report)}
            variables |= {"BLENDER_USER_RESOURCES": profile, "XDG_DATA_HOME": profile}
            variables |= {"MESA_SHADER_CACHE_DISABLE": "true"}
            variables.pop("WAYLAND_DISPLAY", None)
            window = [blender, "--factory-startup", "-p", "0", "0", "1280", "720", "--python", str(SCRIPT)]
            subprocess.run(window, env=variables, check=True, stdout=sys.stderr)
            figures = json.loads(report.read_text(encoding="utf-8"))
    finally:
        server.terminate()
        server.wait()
    print(json.dumps({"figures": figures, "bars": BARS, "hardware": hardware()}, indent=1))


if __name__ == "__main__":
    main()
