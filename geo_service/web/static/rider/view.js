// The map of the rider's page: what is fitted into view, the pins, and the marks of where one is and is going.

import { pinLayer } from "../pins.js";

const NAMED = 3;
const IN_VIEW = 4;
const LEAST_ZOOM = 14;
const CLOSE_ZOOM = 17;

const toLatLng = ([lon, lat]) => [lat, lon];

function markIcon(kind) {
  const size = kind === "me" ? 24 : 20;
  return L.divIcon({ html: "", className: kind, iconSize: [size, size] });
}

export function makeView(map, sheet, onPick) {
  let pins = null;
  const marks = new Map();
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  function padding() {
    const wide = matchMedia("(min-width: 900px)").matches;
    const over = document.querySelector(wide ? ".filters" : ".top")?.offsetHeight ?? 0;
    return { paddingTopLeft: [44, over + 46], paddingBottomRight: [74, sheet.covered() + 26] };
  }

  // Tab walks through the list, which holds the same places; a pin is still a button when it is tapped.
  map.on("layeradd", ({ layer }) => {
    const icon = layer instanceof L.Marker && layer.getElement();
    if (icon) icon.tabIndex = -1;
  });

  // a name stands on the side where the view has room
  const side = ({ lon, lat }) => (map.latLngToContainerPoint([lat, lon]).x > map.getSize().x * 0.55 ? "left" : "right");

  return {
    padding,

    // A point and the nearest few, as many as fit without losing the street names; the nearest one always.
    fit(from, lonlats, { animate = false, all = false } = {}) {
      const pad = padding();
      const margin = L.point(pad.paddingTopLeft).add(pad.paddingBottomRight);
      const few = all ? lonlats.length : Math.min(IN_VIEW, lonlats.length);
      let bounds = L.latLngBounds([toLatLng(from)]);
      let n = few;
      for (; n > 0; n--) {
        bounds = L.latLngBounds([from, ...lonlats.slice(0, n)].map(toLatLng));
        if (all || map.getBoundsZoom(bounds, false, margin) >= LEAST_ZOOM) break;
      }
      // where not all fit, no closer than needed: the others are then just outside, not far away
      const maxZoom = n < few ? LEAST_ZOOM : CLOSE_ZOOM;
      map.fitBounds(bounds, { ...pad, maxZoom, animate: animate && !still.matches });
    },

    show(lonlat) {
      const pad = { ...padding(), animate: !still.matches };
      map.fitBounds(L.latLngBounds([toLatLng(lonlat)]), { ...pad, maxZoom: Math.max(map.getZoom(), CLOSE_ZOOM) });
    },

    drawPins(places, { character, label, ids }) {
      if (pins) map.removeLayer(pins.group);
      const named = new Set(ids.slice(0, NAMED));
      pins = pinLayer(places, { character, named, side, label, onPick });
      map.addLayer(pins.group);
      pins.settle();
    },

    has: (id) => pins?.has(id) ?? false,
    select: (id) => pins?.select(id),

    // kind: "centre", "me", "goal" or "spot"; without a point the mark goes
    mark(kind, lonlat, title = "") {
      marks.get(kind)?.remove();
      marks.delete(kind);
      if (!lonlat) return;
      const options = { icon: markIcon(kind), title, alt: title, interactive: false, keyboard: false };
      marks.set(kind, L.marker(toLatLng(lonlat), options).addTo(map));
    },
  };
}
