// The desk's list, map and form joined. Without this file list and form work alone, with links and numbers.

import { makeHours } from "./desk-hours.js";
import { drawGround, zoomButtons } from "./desk-map.js";
import { makeRows } from "./desk-rows.js";
import { makeSpot } from "./desk-spot.js";
import { loadPins, pinLayer } from "./pins.js";

const MOST_AREAS = 1000;
const MARGIN = [16, 16]; // pixels

const work = document.querySelector(".work").dataset;
const form = document.getElementById("place");
const map = window.districtMap;
const chosen = document.querySelector(".rows .chosen");

const addressOf = ({ id }) => {
  const query = work.query ? `?${work.query}` : "";
  return `${work.desk}places/${encodeURIComponent(work.layer)}/${encodeURIComponent(id)}${query}`;
};

// Every pin is in the list too, where Tab finds it; the one that is edited is drawn by the form.
async function drawPins(spot) {
  if (work.isArea) return drawAreas();
  const places = await loadPins(`${work.ground}pins.json?layer=${encodeURIComponent(work.layer)}`);
  const shown = places.filter(({ id }) => id !== work.id);
  const pins = pinLayer(shown, {
    character: work.pin,
    named: new Set(),
    side: () => "right",
    label: work.label,
    onPick: (place) => location.assign(addressOf(place)),
  });
  map.on("layeradd", ({ layer }) => {
    const icon = layer instanceof L.Marker && !layer.options.draggable && layer.getElement();
    if (icon) icon.tabIndex = -1;
  });
  map.addLayer(pins.group);
  pins.settle();
  if (spot?.isPlaced()) return;
  const bounds = L.latLngBounds(places.map(({ lat, lon }) => [lat, lon]));
  if (bounds.isValid()) map.fitBounds(bounds, { padding: MARGIN, maxZoom: 17, animate: false });
}

// Outlines of a layer of areas; the one that is looked at is filled. Names are set as text.
async function drawAreas() {
  const layer = encodeURIComponent(work.layer);
  const response = await fetch(`/api/v1/districts${work.ground}places?layer=${layer}&limit=${MOST_AREAS}`);
  if (!response.ok) throw new Error(`areas: ${response.status}`);
  const shapes = L.geoJSON(await response.json(), {
    style: ({ id }) => ({ className: "area", weight: id === work.id ? 3 : 1.5, fillOpacity: id === work.id ? 0.2 : 0.05 }),
    onEachFeature({ id, properties }, shape) {
      const name = document.createElement("span");
      name.textContent = properties.name;
      shape.bindTooltip(name, { sticky: true });
      if (id !== work.id) shape.on("click", () => location.assign(addressOf({ id })));
    },
  }).addTo(map);
  const chosen = shapes.getLayers().find(({ feature }) => feature.id === work.id);
  const bounds = (chosen ?? shapes).getBounds();
  if (bounds.isValid()) map.fitBounds(bounds, { padding: MARGIN, maxZoom: 17, animate: false });
}

function guardChanges() {
  let isDirty = form.dataset.dirty === "yes";
  form.addEventListener("input", () => (isDirty = true));
  form.addEventListener("change", () => (isDirty = true));
  form.addEventListener("submit", () => (isDirty = false));
  addEventListener("beforeunload", (event) => isDirty && event.preventDefault());
}

function makeTicks() {
  const button = document.getElementById("tick-all");
  if (!button) return;
  const boxes = [...document.querySelectorAll(".rows [name=ids]")];
  button.addEventListener("click", () => {
    const isOn = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = isOn;
  });
  button.hidden = false;
}

makeTicks();
if (chosen) {
  const list = document.querySelector(".rows");
  list.scrollTop = chosen.offsetTop - list.offsetTop - list.clientHeight / 3;
}
let spot = null;
if (form) {
  makeRows(form);
  makeHours(form, work);
  guardChanges();
}
if (map) {
  zoomButtons(map);
  drawGround(map, work.basemap);
  if (form && document.getElementById("where")) spot = makeSpot(form, map, work);
  await drawPins(spot).catch(() => {
    document.querySelector(".map").dataset.failed = work.failed;
  });
}
document.documentElement.dataset.ready = "yes";
