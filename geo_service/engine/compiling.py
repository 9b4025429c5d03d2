"""
How kernels are compiled, and what is left out so that a first answer comes sooner.

A kernel that only other kernels call needs no way in for Python, and none for C: making them took a quarter of
compiling. It must never be called from Python, where it would crash; hence such kernels are private, or say so.
"""

from importlib.util import find_spec
from typing import Any

from numba import njit
from numba.np import linalg

_njit: Any = njit

inner: Any = _njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Decorates a kernel that only kernels call."""


def _load_quickly() -> None:
    """
    Load numba's mathematics of arrays without loading scipy.

    It looks whether there is a BLAS by importing ``scipy.linalg``, which takes a quarter of a second of each start,
    and looks again wherever one is used. Nothing here uses one: the first look is spared if there is a scipy at all.
    """
    if find_spec("scipy") is None:
        return
    look, linalg.ensure_blas = linalg.ensure_blas, lambda: None
    try:
        import numba.np.arraymath  # noqa: F401
    finally:
        linalg.ensure_blas = look


_load_quickly()
