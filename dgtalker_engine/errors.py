"""The one error that reaches the user."""

from __future__ import annotations


class DGTalkerError(Exception):
    """Something the user can understand and act on.

    Args:
        message: what happened, one sentence, naming the file, strip or head concerned.
        hint: what to do about it; empty where nothing can be done.
        code: a stable word for programs, such as ``cancelled``, ``busy``, ``unknown_avatar``.
    """

    def __init__(self, message: str, hint: str = "", code: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Cancelled(DGTalkerError):
    """The user pressed ESC, or the request was cancelled over the wire."""

    def __init__(self) -> None:
        super().__init__("Cancelled.", code="cancelled")
