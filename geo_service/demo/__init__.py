"""
Two made-up districts, ``xiangheyuan`` and ``yingze``: an ordinary OSM file and the layers of each.

Everything here is synthetic and says so. For one date the output is equal byte by byte.
"""

from geo_service.demo.districts import DEMO_NAMES, DemoInfo, build_demo_osm, demo_info
from geo_service.demo.places import build_demo_layers
from geo_service.demo.seeds import SHIPPED_ON, seed_folder, seed_layers, shift_dates, write_seed

__all__ = [
    "DEMO_NAMES",
    "SHIPPED_ON",
    "DemoInfo",
    "build_demo_layers",
    "build_demo_osm",
    "demo_info",
    "seed_folder",
    "seed_layers",
    "shift_dates",
    "write_seed",
]
