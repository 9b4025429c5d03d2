"""Maps: folium shells with local assets, the basemap's tiles, and maps to hand on."""

from geo_service.maps.shell import Shell, build_shell

__all__ = ["Shell", "build_shell"]
