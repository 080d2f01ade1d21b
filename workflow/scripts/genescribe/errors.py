"""Errors that a user caused and can mend: one clear line, exit code 2."""

from __future__ import annotations

from pathlib import Path


class InputError(Exception):
    """Bad input. Says where it lies and what to do; the command line prints it as one line and exits with 2.

    Args:
        message: what is wrong and what to do, one line.
        path: the file that is wrong.
        line: its 1-based line number.
    """

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None) -> None:
        self.message = message
        self.path = None if path is None else str(path)
        self.line = line
        super().__init__(str(self))

    def __str__(self) -> str:
        where = "" if self.path is None else self.path + ("" if self.line is None else f":{self.line}") + ": "
        return " ".join((where + self.message).split())
