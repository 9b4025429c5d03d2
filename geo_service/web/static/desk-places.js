// The desk's list, map and form joined. Without this file list and form work alone, with links and numbers.

import { makeHours } from "./desk-hours.js";
import { drawGround, zoomButtons } from "./desk-map.js";
import { makeRows } from "./desk-rows.js";
import { makeSpot } from "./desk-spot.js";
import { loadPins, pinLayer } from "./pins.js";

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
  if (work.isArea) return;
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
  if (bounds.isValid()) map.fitBounds(bounds, { padding: [50, 50], maxZoom: 17, animate: false });
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
