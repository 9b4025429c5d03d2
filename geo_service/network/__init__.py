"""OSM → Network: the streets as plain arrays, and the only room that opens OSM."""
