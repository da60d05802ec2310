"""Whether a process still is the one that was started: its number, and when the system started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def start_time(pid: int) -> str:
    """When the system started this process, in whatever words it has for it; empty where none of that number runs."""
    if sys.platform == "win32":
        return _windows(pid)
    if sys.platform == "linux":
        return _linux(pid)
    return _ps(pid)


def _linux(pid: int) -> str:
    try:
        # The second field is the program's name in brackets, which may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    state, ticks = fields[0], fields[19]
    return "" if state in "ZXx" else f"{ticks} after boot {boot}"


def _ps(pid: int) -> str:
    command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    said = subprocess.run(command, env={"LC_ALL": "C"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    state, _, started = said.stdout.decode(errors="replace").strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _windows(pid: int) -> str:
    if sys.platform != "win32":
        return ""
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    query_limited_information, still_active = 0x1000, 259
    handle = wintypes.HANDLE(kernel.OpenProcess(query_limited_information, False, pid))
    if not handle:
        return ""
    try:
        code = wintypes.DWORD()
        created, *others = (wintypes.FILETIME() for _ in range(4))
        known = kernel.GetProcessTimes(handle, ctypes.byref(created), *(ctypes.byref(other) for other in others))
        if not known or not kernel.GetExitCodeProcess(handle, ctypes.byref(code)) or code.value != still_active:
            return ""
        return str((created.dwHighDateTime << 32) + created.dwLowDateTime)
    finally:
        kernel.CloseHandle(handle)
