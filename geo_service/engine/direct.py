"""Calling a kernel without asking again what its arguments are."""

from collections.abc import Callable
from typing import Any


class Direct:
    """
    A kernel that is always called with arguments of the same types.

    The dispatcher of numba looks at the type of every argument of every call, before the compiled function
    takes them apart: half of what a call of a quick kernel costs. From the second call on the compiled
    function is called itself. It trusts its caller: arrays must have the dtypes, dimensions and layout of
    the first call.

    Parameters
    ----------
    kernel
        What ``njit`` gave; without compilation the Python function itself.
    """

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self.call: Callable[..., Any] = self._call_first
        """The kernel."""

    def _call_first(self, *arguments: Any) -> Any:
        answer = self._kernel(*arguments)
        compiled = list(getattr(self._kernel, "overloads", {}).values())
        self.call = compiled[0].entry_point if len(compiled) == 1 else self._kernel
        return answer
