"""
Two made-up districts, ``xiangheyuan`` and ``yingze``: an ordinary OSM file and the layers of each.

Everything here is synthetic and says so. For one date the output is equal byte by byte.
"""

from geo_service.demo.districts import DEMO_NAMES, DemoInfo, build_demo_osm, demo_info

__all__ = ["DEMO_NAMES", "DemoInfo", "build_demo_osm", "demo_info"]
