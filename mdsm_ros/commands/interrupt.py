"""Makes Ctrl-C end a command within a second, whatever it is doing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # exit code of shells for a command ended by Ctrl-C
GRACE = 0.5  # s after Ctrl-C, in which a command closes its files and ends its processes

_interrupted = threading.Event()


def watch() -> None:
    """Makes this process end with exit code 130 soon after Ctrl-C, even if Python cannot react.

    An ordinary KeyboardInterrupt is tried first. It may have no effect: a C library does not return or swallows it, or
    a child process takes long to end. Python writes every signal to a pipe at once, so a thread sees it. A shell starts
    background processes with Ctrl-C ignored; this function respects that.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _on_interrupt)
    sys.unraisablehook = _report_unraisable
    threading.Thread(target=_end_after_grace, args=(reader,), daemon=True).start()


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed since :func:`watch`."""
    return _interrupted.is_set()


def end(code: int) -> NoReturn:
    """Ends the process without destroying the libraries' objects, which can take seconds."""
    _end_children()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader has closed the pipe
            stream.flush()
    os._exit(code)


def _end_children() -> None:
    """Ends the child processes: workers would wait for work for ever, and a node would continue alone."""
    try:
        import psutil

        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    except ImportError:  # an incomplete installation: nothing was started either
        return


def _on_interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _interrupted.set()
    raise KeyboardInterrupt


def _report_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Hides a KeyboardInterrupt in ``__del__`` or a callback, which Python prints and ignores."""
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)


def _end_after_grace(reader: int) -> None:
    while os.read(reader, 1) != bytes([signal.SIGINT]):
        pass
    _interrupted.set()
    time.sleep(GRACE)
    end(INTERRUPTED)
