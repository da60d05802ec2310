"""The owner of an engine that `bench kills` kills, as light as Blender's own side: `python owner.py KIND FOLDER`.

KIND is "start", "open", "animate" or "render", of which the last is like a Blender without a window, whose engine
loads what speech needs when it is asked for; `kills.prepare_owner` has put what is sent into FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bridge import PYTHON, Client, EngineProcess

from dgtalker_engine.files import write_whole


def main(kind: str, folder: Path) -> None:
    print("ready", flush=True)
    process = EngineProcess(PYTHON, folder / "engine.log", speech_on_demand=kind == "render")
    client = Client(process.sock, process.end)
    client.request("doctor")
    if kind == "open":
        for file in (folder / "avatars").iterdir():
            client.request("open_avatar", {}, [file.read_bytes()])
    if kind == "animate":
        header = {"sample_rate": 16000, "fps": 25.0, "passages": 2, "manner_of": ""}
        reply = client.request("animate", header, [(folder / "voice").read_bytes(), b"[]"])
        write_whole(folder / "animate" / "take", bytes(reply.body))
    if kind == "render":
        client.request("open_avatar", {}, [(folder / "avatars" / "robin").read_bytes()])
        for number in range(10):
            reply = client.request("render", {}, [(folder / "picture.json").read_bytes()])
            write_whole(folder / "render" / f"frame_{number:04d}", bytes(reply.body))
    client.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
