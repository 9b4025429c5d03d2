// Lists of strangers on the map: points under a datum, what an import changes, rows to place. Without it, forms do.

import { drawGround, zoomButtons } from "./desk-map.js";

const map = window.districtMap;
const ground = document.querySelector(".map");
const held = document.getElementById("points");
const points = held ? JSON.parse(held.textContent) : null;
const LARGE = 6;
const CLOSE = 18;

// A dot is drawn, not a button: what it stands for is in the list or table beside it.
function dot([lon, lat], kind) {
  return L.circleMarker([lat, lon], { radius: LARGE, className: `dot ${kind}`, interactive: false });
}

function fit(lonlats) {
  const bounds = L.latLngBounds(lonlats.map(([lon, lat]) => [lat, lon]));
  const [west, south, east, north] = ground.dataset.bbox.split(",").map(Number);
  const all = bounds.isValid() ? bounds : L.latLngBounds([[south, west], [north, east]]);
  map.fitBounds(all, { padding: [30, 30], maxZoom: 17, animate: false });
}

function showUnder() {
  const group = L.layerGroup().addTo(map);
  const radios = [...document.querySelectorAll("[name=datum]")];
  const draw = () => {
    const datum = radios.find((one) => one.checked)?.value;
    group.clearLayers();
    // nothing is chosen: all three, so that nothing is suggested either
    for (const key of datum ? [datum] : ["wgs84", "gcj02", "bd09"]) {
      for (const at of points.under[key].filter(Boolean)) dot(at, datum ? "chosen" : key).addTo(group);
    }
  };
  for (const radio of radios) radio.addEventListener("change", draw);
  draw();
  fit(Object.values(points.under).flat().filter(Boolean));
  lookCloser((i) => points.under[radios.find((one) => one.checked)?.value ?? "wgs84"][i], points.names);
}

// On which side of the street does it stand? That is seen near by, one place after the other.
function lookCloser(at, names) {
  const button = document.getElementById("closer");
  const name = document.getElementById("closer-name");
  let next = 0;
  let ring = null;
  button.addEventListener("click", () => {
    const i = next++ % names.length;
    const spot = at(i);
    if (!spot) return;
    const [lon, lat] = spot;
    ring?.remove();
    ring = L.circleMarker([lat, lon], { radius: 2 * LARGE, className: "ring", interactive: false }).addTo(map);
    map.setView([lat, lon], CLOSE, { animate: false });
    name.textContent = names[i];
  });
  button.hidden = !names.length;
}

function showPlan() {
  for (const one of points) {
    if (one.from) L.polyline([[one.from[1], one.from[0]], [one.lat, one.lon]], { className: "moved", dashArray: "4 5", interactive: false }).addTo(map);
    dot([one.lon, one.lat], one.kind).addTo(map);
  }
  fit(points.map(({ lon, lat }) => [lon, lat]));
  lookCloser((i) => [points[i].lon, points[i].lat], points.map(({ name }) => name));
}

// The street that an address names is where to look first.
function goToStreets(form) {
  const go = () => {
    const box = form.querySelector("[name=key]:checked")?.dataset.box;
    if (!box) return;
    const [west, south, east, north] = box.split(",").map(Number);
    fit([[west, south], [east, north]]);
  };
  for (const radio of form.querySelectorAll("[name=key]")) radio.addEventListener("change", go);
  if (!form.elements.namedItem("lonlat").value) go();
}

// A click fills the field; the form does the rest, so that it can be looked at and typed as well.
function placeByHand(form) {
  const field = form.elements.namedItem("lonlat");
  const datum = form.elements.namedItem("datum");
  let mark = null;
  const put = (lat, lon) => {
    mark?.remove();
    mark = dot([lon, lat], "chosen").addTo(map);
  };
  map.on("click", ({ latlng }) => {
    field.value = `${latlng.lng.toFixed(6)},${latlng.lat.toFixed(6)}`;
    datum.value = "wgs84";
    put(latlng.lat, latlng.lng);
  });
  field.addEventListener("change", () => {
    const [lon, lat] = field.value.split(/[,，]/).map(Number);
    if (datum.value === "wgs84" && Math.abs(lon) <= 180 && Math.abs(lat) <= 90) {
      put(lat, lon);
      map.panTo([lat, lon]);
    }
  });
  ground.classList.add("pointing");
  fit([]);
}

// One press is enough: a large file takes a while.
function sayWorking() {
  for (const form of document.querySelectorAll("form[data-working]")) {
    form.addEventListener("submit", ({ submitter }) => {
      const button = submitter ?? form.querySelector("button");
      setTimeout(() => {
        for (const one of form.querySelectorAll("button")) one.disabled = true;
        button.textContent = form.dataset.working;
      });
    });
  }
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

sayWorking();
if (map && ground) {
  zoomButtons(map);
  const form = document.getElementById("unplaced");
  if (form) placeByHand(form);
  else if (points.under) showUnder();
  else showPlan();
  drawGround(map, ground.dataset.basemap);
  if (form) goToStreets(form);
}
document.documentElement.dataset.ready = "yes";
