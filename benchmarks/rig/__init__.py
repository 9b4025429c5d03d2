"""
What every benchmark stands on: streets, clocks, peers.

Importing it holds every library to one thread and lends the compiled kernels a cache of their own,
unless numba was there first (in a test run, say); so scripts import it before anything heavy.
"""

import os
import sys
import tempfile
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "RAYON_NUM_THREADS",
)

if "numba" not in sys.modules:
    os.environ.update(dict.fromkeys(THREADS, "1"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "geo_service_bench_jit"))
