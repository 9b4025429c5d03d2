"""How many random examples: enough for every change, or all of them with `make test-long`."""

import os


def many(usual: int, long: int) -> int:
    """
    Count of examples.

    Parameters
    ----------
    usual
        In `make test`.
    long
        With ``GEO_SERVICE_LONG_TESTS=1``, as `make test-long` sets it.
    """
    return long if os.environ.get("GEO_SERVICE_LONG_TESTS") == "1" else usual
