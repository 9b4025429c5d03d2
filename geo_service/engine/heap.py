"""
A four-way heap of (key, item) in one array; equal keys come off by item.

numba's cache looks only at the file a kernel stands in: after a change here, empty the kernel
cache, as after one in `constants`.
"""

from numba import njit

from geo_service.network.graph import LongArray

KEY, ITEM = range(2)
"""Columns of an entry: what it is ordered by, and the node or facility."""


@njit(cache=True, nogil=True)
def push(heap: LongArray, size: int, key: int, item: int) -> int:
    """
    Add an entry.

    Parameters
    ----------
    heap
        `KEY` and `ITEM` of each entry, with room for one more, shape ``(h, 2)``.
    size
        Entries in it.
    key
        What entries are ordered by.
    item
        What is ordered.

    Returns
    -------
    size
        Entries in it now.
    """
    at = size
    while at > 0:
        up = (at - 1) >> 2
        above = heap[up, KEY]
        if above < key or (above == key and heap[up, ITEM] <= item):
            break
        heap[at, KEY] = above
        heap[at, ITEM] = heap[up, ITEM]
        at = up
    heap[at, KEY] = key
    heap[at, ITEM] = item
    return size + 1


@njit(cache=True, nogil=True)
def drop_first(heap: LongArray, size: int) -> int:
    """
    Take off the first entry.

    Parameters
    ----------
    heap
        `KEY` and `ITEM` of each entry, shape ``(h, 2)``.
    size
        Entries in it, at least 1.

    Returns
    -------
    size
        Entries in it now.
    """
    size -= 1
    key = heap[size, KEY]
    item = heap[size, ITEM]
    at = 0
    child = 1
    while child < size:
        least = child
        other = child + 1
        while other < size and other < child + 4:
            there = heap[other, KEY]
            if there < heap[least, KEY] or (
                there == heap[least, KEY] and heap[other, ITEM] < heap[least, ITEM]
            ):
                least = other
            other += 1
        there = heap[least, KEY]
        if there > key or (there == key and heap[least, ITEM] >= item):
            break
        heap[at, KEY] = there
        heap[at, ITEM] = heap[least, ITEM]
        at = least
        child = 4 * at + 1
    heap[at, KEY] = key
    heap[at, ITEM] = item
    return size
