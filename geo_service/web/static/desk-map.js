// The ground under a map of the desk, and its buttons; what lies on top is each page's own.

import { makeBasemap } from "./basemap.js";

export function drawGround(map, facts) {
  const isDark = () => document.documentElement.dataset.theme === "dark";
  const ground = makeBasemap(map, { ...JSON.parse(facts), dark: isDark() });
  addEventListener("themechange", () => ground.repaint(isDark()));
}

export function zoomButtons(map) {
  const control = L.control.zoom({ position: "bottomright" }).addTo(map);
  for (const button of control.getContainer().querySelectorAll("a")) button.removeAttribute("title");
}
