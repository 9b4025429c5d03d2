"""
A district directory → its store, routers and questions.

The only floor where the machines are wired together. Modules here import the engine only
after `NUMBA_CACHE_DIR` points into the district, so that what was compiled once stays compiled.
"""

from geo_service.districts.config import DistrictConfig, read_config, write_config
from geo_service.districts.create import Recipe, create_district
from geo_service.districts.district import District, open_district

__all__ = [
    "District",
    "DistrictConfig",
    "Recipe",
    "create_district",
    "open_district",
    "read_config",
    "write_config",
]
