"""
Asking for memory before it is needed.

A way of a hundred edges reads some two hundred places of tables that no cache near the core holds; whoever asks for one
only when he needs it waits sixty nanoseconds for each. A kernel that knows a place beforehand asks for it and goes on.
"""

from types import SimpleNamespace
from typing import Any

from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

_numba: Any = SimpleNamespace(cgutils=cgutils, config=config)
"""What of numba tells no types."""

_READ, _KEEP, _DATA = 0, 3, 1
"""What llvm's prefetch is told: it will be read, again and again, and is no code."""


def _ask(_typing: Any, array: Any, _row: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held = context.make_array(signature.args[0])(context, builder, arguments[0])
        step = builder.extract_value(held.strides, 0)
        place = _numba.cgutils.pointer_add(
            builder, held.data, builder.mul(arguments[1], step), cgutils.voidptr_t
        )
        ir = _numba.cgutils.ir
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        prefetch = _numba.cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(prefetch, [place, number(_READ), number(_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return types.none(array, types.intp), generate


def _ignore(array: Any, row: int) -> None:
    """Without compilation there is nothing to be asked for."""


fetch: Any = _ignore if _numba.config.DISABLE_JIT else intrinsic(_ask)
"""Ask for a row of an array, which must exist: ``fetch(array, row)``."""
