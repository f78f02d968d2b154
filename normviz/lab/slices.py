"""Long turns at the processor, for runs that share it with many others (Linux).

By default the kernel lets each of them work for about three milliseconds.  With sixty runs on two cores, the
next one then finds its numbers gone from the caches every time, which is a tenth of all work.  Whoever has
a higher priority, such as the server, still goes first at any moment.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""Number of the system call; the C library has no function for it."""
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")
"""``struct sched_attr``: size, policy, flags, nice, priority, runtime, deadline, period, utilization."""
_BATCH = 3
LONGEST = 0.1
"""Seconds; the kernel takes no more."""


def lengthen(seconds: float = LONGEST) -> bool:
    """Have this process and its children keep a processor for so long at a time, if nobody goes before them.

    Returns whether the kernel took it: one before Linux 6.12 does and pays no heed to it; where it is
    forbidden, all stays as it is.

    Source: sched_setattr(2); linux/include/uapi/linux/sched/types.h ("custom slice").
    """
    number = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, _BATCH, 0, nice, 0, round(seconds * 1e9), 0, 0, 0, 0)
    with contextlib.suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).syscall(number, 0, asked, 0) == 0)
    return False
