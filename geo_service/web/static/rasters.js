// Maps of others under ours, only where the district offers them; each is asked for only once it is chosen.

export function offerRasters(map, own, rasters) {
  const bases = own ? { "本图 Own": own } : {};
  for (const raster of rasters) {
    const Layer = raster.datum === "gcj02" ? shiftedLayer() : L.TileLayer;
    const layers = raster.urls.map((url) => new Layer(url, { maxNativeZoom: raster.maxzoom, maxZoom: 19, referrerPolicy: "no-referrer", attribution: raster.credit }));
    bases[raster.words] = L.layerGroup(layers);
  }
  L.control.attribution({ prefix: false, position: "bottomleft" }).addTo(map);
  L.control.layers(bases, {}, { position: "bottomleft", collapsed: true }).addTo(map);
}

// Tiles in GCJ-02 are moved as a layer, so that everything of ours stays where WGS 84 says.
// Two private methods of Leaflet 1.9: tests/test_basemap_browser.py looks at the pixels.
export function shiftedLayer() {
  return L.TileLayer.extend({
    _getTiledPixelBounds(centre) {
      return L.TileLayer.prototype._getTiledPixelBounds.call(this, toGcj(centre));
    },
    _setZoomTransform(level, centre, zoom) {
      return L.TileLayer.prototype._setZoomTransform.call(this, level, toGcj(centre), zoom);
    },
  });
}

function toGcj({ lat, lng }) {
  const [x, y, pi] = [lng - 105, lat - 35, Math.PI];
  if (lng < 72.004 || lng > 137.8347 || lat < 0.8293 || lat > 55.8271) return L.latLng(lat, lng);
  const wave = (v) => (20 * Math.sin(6 * v * pi) + 20 * Math.sin(2 * v * pi)) * (2 / 3);
  let north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + wave(x);
  north += (20 * Math.sin(y * pi) + 40 * Math.sin((y / 3) * pi) + 160 * Math.sin((y / 12) * pi) + 320 * Math.sin((y * pi) / 30)) * (2 / 3);
  let east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + wave(x);
  east += (20 * Math.sin(x * pi) + 40 * Math.sin((x / 3) * pi) + 150 * Math.sin((x / 12) * pi) + 300 * Math.sin((x / 30) * pi)) * (2 / 3);
  const [axis, flat] = [6378245, 0.00669342162296594323];
  const phi = (lat * pi) / 180;
  const bend = 1 - flat * Math.sin(phi) ** 2;
  return L.latLng(
    lat + (north * 180) / (((axis * (1 - flat)) / (bend * Math.sqrt(bend))) * pi),
    lng + (east * 180) / ((axis / Math.sqrt(bend)) * Math.cos(phi) * pi),
  );
}
