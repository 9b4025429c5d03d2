"""Maps: folium shells with local assets, and a plain basemap drawn from the streets."""

from geo_service.maps.shell import Shell, build_shell
from geo_service.maps.streets import build_streets

__all__ = ["Shell", "build_shell", "build_streets"]
