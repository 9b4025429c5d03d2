"""One thing that a check noticed, in the form every check gives."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """
    One thing that `check` noticed.

    Parameters
    ----------
    level
        ``"error"``: something is broken; ``"warning"``: someone should look; ``"info"``: a count.
    subject
        What it is about: a layer, a profile, the store.
    message
        One line for a person.
    facts
        The same for a machine.
    """

    level: str
    subject: str
    message: str
    facts: dict[str, Any]
