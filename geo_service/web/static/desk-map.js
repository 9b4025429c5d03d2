// The streets under a map of the desk, and its buttons; what lies on top is each page's own.

import { PATHS_FROM_ZOOM, loadStreets, streetLayer } from "./streets.js";

export async function drawGround(map, { streets, paths }) {
  const drawn = await loadStreets(streets);
  const layer = streetLayer(drawn).addTo(map);
  const close = () => {
    if (map.getZoom() < PATHS_FROM_ZOOM) return;
    map.off("zoomend", close);
    loadStreets(paths).then(layer.add);
  };
  map.on("zoomend", close);
  close();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(() => layer.repaint()));
  return drawn;
}

export function zoomButtons(map) {
  const control = L.control.zoom({ position: "bottomright" }).addTo(map);
  for (const button of control.getContainer().querySelectorAll("a")) button.removeAttribute("title");
}
