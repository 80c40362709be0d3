"""Text that people type: names, reasons, notes.  Every text that enters is checked here."""

from __future__ import annotations

from typing import Final

from alerts.errors import InvalidTextError
from alerts.life.text import is_storable

NAME: Final = 200
"""Characters of a name, at most."""
NOTE: Final = 2000
"""Characters of a note or reason, at most."""


def checked_text(text: str, what: str, longest: int, *, blank: bool = False) -> str:
    """The text without blanks around it; ``what`` opens the sentence of an error, ``blank`` allows it to be empty.

    Raises:
        InvalidTextError: it is blank, longer than ``longest``, or holds a character that cannot be stored or seen.
    """
    text = text.strip()
    if not text and not blank:
        raise InvalidTextError(f"{what} is blank: give one.")
    if len(text) > longest:
        raise InvalidTextError(f"{what} has {len(text)} characters: shorten it to {longest}.")
    if not is_storable(text):
        raise InvalidTextError(f"{what} holds characters that cannot be stored: type it again.")
    return text
