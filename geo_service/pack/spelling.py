"""How a Chinese name is typed: its pinyin, and the first letters of it."""

from functools import lru_cache
from typing import NamedTuple

from pypinyin import Style, lazy_pinyin


class Spelled(NamedTuple):
    """
    A name as somebody types it.

    Parameters
    ----------
    pinyin
        Syllables without tones, separated by blanks; what is no Chinese stays, in lower case.
    initials
        Their first letters.
    """

    pinyin: str
    initials: str


@lru_cache(maxsize=65_536)
def spell(name: str) -> Spelled:
    """
    Spell a name.

    Parameters
    ----------
    name
        Any text.

    Returns
    -------
    spelled
        ``ü`` is typed ``v``; of characters with more than one sound that of the word they stand in.

    Examples
    --------
    >>> spell("香河园街道")
    Spelled(pinyin='xiang he yuan jie dao', initials='xhyjd')
    >>> spell("重庆路 7-11")
    Spelled(pinyin='chong qing lu 7-11', initials='cql7')
    """
    syllables: list[str] = []
    for piece in lazy_pinyin(name, style=Style.NORMAL, v_to_u=False):
        syllables += "".join(c if c.isalnum() or c == "-" else " " for c in piece.lower()).split()
    return Spelled(" ".join(syllables), "".join(syllable[0] for syllable in syllables))
