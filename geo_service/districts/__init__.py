"""
A district directory → its store, routers and questions.

The only floor where the machines are wired together. ``district`` opens one, ``create`` makes
one, ``changes`` edits its layers, ``checks`` looks through it. Modules here import the engine only
after ``NUMBA_CACHE_DIR`` points into the district, so that what was compiled once stays compiled;
and opening one must not wait for the libraries that make one.
"""

from geo_service.districts.config import DistrictConfig, read_config, write_config
from geo_service.districts.district import District, open_district

__all__ = ["District", "DistrictConfig", "open_district", "read_config", "write_config"]
