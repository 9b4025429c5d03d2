"""
Arrays that go into a kernel as one thing.

Compiled code takes every array it is handed apart, a sixteenth of a microsecond each: for the thirty of a question
that is as much as the answer takes. A *kit* holds them under names. Beside them it keeps what compiled code knows
of an array, word for word as numba lays it out [1]_, and only the address of that goes in. Kernels read it like a named
tuple, compiled or not, and nobody counts who holds its arrays.

References
----------
.. [1] numba, ``numba/core/datamodel/models.py``, ``ArrayModel``; "Extending Numba", "Low-level extension API".
"""

from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.numpy_support import from_dtype

_WORD = 8
"""Bytes of each thing that compiled code knows of an array."""


class KitType(types.Type):
    """
    What compiled code is compiled for.

    Parameters
    ----------
    fields
        Name, type of the elements, dimensions of each array, and whether it is written to.
    """

    def __init__(self, fields: tuple[tuple[str, Any, int, bool], ...]) -> None:
        self.arrays = {
            name: types.Array(dtype, ndim, "C", readonly=not is_written)
            for name, dtype, ndim, is_written in fields
        }
        sizes = [_words(ndim) for _, _, ndim, _ in fields]
        self.places = dict(zip(self.arrays, np.cumsum([0, *sizes]).tolist(), strict=False))
        super().__init__(name=f"Kit({','.join(f'{name}:{array}' for name, array in self.arrays.items())})")


class Kit(int):
    """
    Arrays under names, that kernels read, and write to where they say so; as a number the address of its words.

    Examples
    --------
    >>> kit = Kit(cost_ms=np.arange(3))
    >>> kit.cost_ms
    array([0, 1, 2])
    """

    type: KitType

    def __new__(cls, *arrays: NamedTuple, **more: npt.NDArray[Any]) -> "Kit":
        """Write down what compiled code knows of each array; of equal names the last one counts."""
        held: dict[str, npt.NDArray[Any]] = {}
        for each in arrays:
            held |= each._asdict()
        held |= more
        words = np.array([word for array in held.values() for word in _tell(array)], dtype=np.int64)
        kit = super().__new__(cls, words.ctypes.data)
        vars(kit).update(
            held,
            words=words,
            type=_type_of(*((name, a.dtype, a.ndim, a.flags.writeable) for name, a in held.items())),
        )
        return kit

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@cache
def _type_of(*fields: tuple[str, np.dtype[Any], int, bool]) -> KitType:
    return KitType(tuple((name, from_dtype(dtype), *rest) for name, dtype, *rest in fields))


def _words(ndim: int) -> int:
    return 5 + 2 * ndim


def _tell(array: npt.NDArray[Any]) -> tuple[int, ...]:
    """Owner and parent, whom the kit stands in for; items, bytes of each, where they are; shape and strides."""
    assert array.flags.c_contiguous
    return (0, 0, array.size, array.itemsize, array.ctypes.data, *array.shape, *array.strides)


@typeof_impl.register(Kit)
def _typeof(kit: Kit, _context: Any) -> KitType:
    return kit.type


_numba: Any = SimpleNamespace(cgutils=cgutils, unbox=unbox, value=NativeValue, getattr=lower_getattr_generic)
"""What of numba tells no types."""

register_model(KitType)(models.OpaqueModel)


@_numba.unbox(KitType)
def _unbox(_type: KitType, kit: Any, c: Any) -> Any:
    return _numba.value(c.builder.inttoptr(c.pyapi.long_as_longlong(kit), cgutils.voidptr_t))


@infer_getattr
class _Attributes(AttributeTemplate):
    key = KitType

    def generic_resolve(self, kit: KitType, name: str) -> Any:  # type: ignore[override]
        return kit.arrays.get(name)


@_numba.getattr(KitType)
def _getattr(context: Any, builder: Any, kit: KitType, block: Any, name: str) -> Any:
    """Nobody counts who holds the array: the kit does."""
    word = context.get_value_type(kit.arrays[name]).as_pointer()
    return builder.load(
        builder.bitcast(_numba.cgutils.pointer_add(builder, block, kit.places[name] * _WORD), word)
    )
