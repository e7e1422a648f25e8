"""The memory of a node's process: what an image needed is kept for the next one."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt, malloc.h
KEPT = 2**30  # bytes that are free and not given back
LARGEST_KEPT = 2**25  # bytes of an allocation; the most that all releases of glibc take


def keep_freed_memory() -> None:
    """Has the C library keep freed memory for the next image, instead of giving it back to the system.

    The system clears each page again before it hands it out, which costs more than what is then written there. Images,
    masks and the model's maps are as large for each image, so the process grows no further. Only glibc can do that.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
