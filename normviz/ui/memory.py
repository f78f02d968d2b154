"""What a server holds in memory, all of its processes; pages that several share are counted once."""

from __future__ import annotations

import psutil


def held() -> dict[str, int]:
    """Bytes of this process ("server"), of the engine hosts ("engine") and of runs' processes ("runs").

    On Linux proportional set sizes, whose sum is what the machine gives.  Elsewhere resident set sizes.
    Takes milliseconds for each process; not for the event loop.
    """
    me = psutil.Process()
    held = {"server": _size(me), "engine": 0, "runs": 0}
    for child in me.children():
        held["engine"] += _size(child)
        try:
            held["runs"] += sum(map(_size, child.children(recursive=True)))
        except psutil.Error:  # it has ended meanwhile
            continue
    return held


def _size(process: psutil.Process) -> int:
    try:
        told = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(told, "pss", told.rss))
