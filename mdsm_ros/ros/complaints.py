"""Errors at run time: counted, logged once per kind, told on ``~/status``; the node goes on."""

from __future__ import annotations

import traceback
from typing import Any

from std_msgs.msg import Header

from mdsm_ros.ros.diagnostics import Statistics
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.text import in_utf8


class Complaints:
    """Tells of messages that cannot be used and of failures of the model. Safe in both threads."""

    def __init__(self, logger: Any, statistics: Statistics, outputs: Outputs) -> None:
        self._logger = logger
        self._statistics = statistics
        self._outputs = outputs

    def refuse(self, kind: str, header: Header, instruction: str, error: Exception) -> str:
        """A message is bad; returns the status line."""
        if self._statistics.message_refused(kind):
            self._warn(f"refused: {error}; more of this kind ({kind}) are counted on /diagnostics only")
        return self._outputs.publish_error(header, instruction, str(error))

    def note(self, kind: str, error: Exception) -> None:
        """Something is missing for what goes with an answer; the answer itself stands."""
        if self._statistics.message_refused(kind):
            self._warn(f"{error}; more of this kind ({kind}) are counted on /diagnostics only")

    def fail(self, header: Header, instruction: str, error: Exception) -> str:
        """The model raised; returns the status line."""
        kind = type(error).__name__
        if self._statistics.model_failed(kind):
            text = in_utf8("".join(traceback.format_exception(error)))
            self._logger.error(f"the model failed; more of this kind ({kind}) are counted on /diagnostics only\n{text}")
        return self._outputs.publish_error(header, instruction, f"the model failed: {kind}: {error}")

    def _warn(self, text: str) -> None:
        self._logger.warning(in_utf8(text))
