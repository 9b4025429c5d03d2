"""Maps to look at: folium's shell with local assets only."""
