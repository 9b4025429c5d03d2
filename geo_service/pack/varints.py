"""Whole numbers as few bytes: seven bits a byte, the last one without the eighth (LEB128)."""

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.integer]

_MAX_BYTES = 10


def zigzag(values: Whole) -> npt.NDArray[np.int64]:
    """
    Fold signed numbers so that small ones of either sign stay small.

    Parameters
    ----------
    values
        Any whole numbers, shape ``(n,)``.

    Returns
    -------
    folded
        0, -1, 1, -2 … become 0, 1, 2, 3 …, shape ``(n,)``.

    Examples
    --------
    >>> zigzag(np.array([0, -1, 1, -2])).tolist()
    [0, 1, 2, 3]
    """
    wide = values.astype(np.int64)
    return (wide << 1) ^ (wide >> 63)


def steps(values: Whole) -> npt.NDArray[np.int64]:
    """
    Differences to the number before, the first to zero.

    Parameters
    ----------
    values
        Whole numbers, shape ``(n,)``.

    Returns
    -------
    steps
        Summed up they are the values, shape ``(n,)``.
    """
    moved = values.astype(np.int64)
    moved[1:] -= values[:-1].astype(np.int64)
    return moved


def varints(values: Whole) -> bytes:
    """
    Write numbers one after the other.

    Parameters
    ----------
    values
        Not negative, below 2^63, shape ``(n,)``.

    Returns
    -------
    written
        One to nine bytes each.

    Examples
    --------
    >>> varints(np.array([1, 127, 128, 300])).hex(" ")
    '01 7f 80 01 ac 02'
    """
    left = values.astype(np.int64)
    size = np.ones(len(left), dtype=np.int64)
    for i in range(1, _MAX_BYTES - 1):
        size += left >= 1 << (7 * i)
    start = np.cumsum(size) - size
    out = np.zeros(int(size.sum()), dtype=np.uint8)
    for i in range(int(size.max(initial=0))):
        has = size > i
        more = np.where(size[has] > i + 1, 0x80, 0)
        out[start[has] + i] = ((left[has] >> (7 * i)) & 0x7F) | more
    return out.tobytes()
