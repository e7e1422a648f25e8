"""One finding about an installation."""

from __future__ import annotations

from dataclasses import dataclass

OK, NOTE, MISSING, WRONG = "ok", "note", "missing", "wrong"


@dataclass(frozen=True)
class Check:
    """The finding about one part of an installation.

    Attributes:
        name: Name of the part.
        state: OK; NOTE, worth knowing; MISSING, not installed; WRONG, installed but not usable.
        detail: Description of the finding, in one line.
        mend: Command to type, or action to take; "" if none is needed.
        required: Whether the chosen purpose needs this part.
    """

    name: str
    state: str
    detail: str
    mend: str = ""
    required: bool = True

    @property
    def is_fault(self) -> bool:
        """Whether the installation cannot serve the chosen purpose."""
        return self.required and self.state in (MISSING, WRONG)
