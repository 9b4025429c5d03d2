// Pin and entrance of the place that is edited: dragged on the map, moved by arrow keys, or typed as numbers.

import { pinIcon } from "./pins.js";

const PAUSE_MS = 300;
const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const isNumber = (text) => /^-?\d{1,3}(\.\d+)?$/.test(text.trim());

export function makeSpot(form, map, { desk, lang, pin: character }) {
  const field = (name) => form.elements.namedItem(name);
  const where = document.getElementById("where");
  const add = document.getElementById("add-entrance");
  const drop = document.getElementById("drop-entrance");
  const isFixed = form.querySelector(".all").disabled;
  const datum = document.getElementById("datum");
  const path = L.polyline([], { className: "apart", dashArray: "4 5", interactive: false }).addTo(map);
  let asked = null;

  const points = {
    pin: {
      inputs: [field("lon"), field("lat")],
      icon: () => pinIcon(character, "", "right"),
      name: document.getElementById("pin-words").dataset.name,
      marker: null,
    },
    arrival: {
      inputs: [field("arrival.lon"), field("arrival.lat")],
      icon: () => entranceIcon(add.dataset.sign),
      name: add.dataset.name,
      marker: null,
    },
  };

  function typed({ inputs }) {
    if (!inputs[0] || !inputs.every((one) => isNumber(one.value))) return null;
    const [lon, lat] = inputs.map((one) => Number(one.value));
    return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lat, lon] : null;
  }

  function write({ inputs }, { lat, lng }) {
    inputs[0].value = lng.toFixed(7);
    inputs[1].value = lat.toFixed(7);
    form.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Numbers in another datum are not drawn: on this map they would stand half a kilometre away.
  function draw() {
    if (datum.value !== "wgs84") return;
    for (const point of Object.values(points)) {
      const at = typed(point);
      if (at && point.marker) point.marker.setLatLng(at);
      else if (at) point.marker = makeMarker(point, at);
      else if (point.marker) {
        point.marker.remove();
        point.marker = null;
      }
    }
    drawPath();
    const hasEntrance = points.arrival.marker !== null;
    if (isFixed || !points.arrival.inputs[0]) return;
    add.hidden = hasEntrance || !points.pin.marker;
    drop.hidden = !hasEntrance;
  }

  function drawPath() {
    const ends = Object.values(points).map(({ marker }) => marker?.getLatLng());
    path.setLatLngs(ends.every(Boolean) ? ends : []);
  }

  function makeMarker(point, at) {
    const marker = L.marker(at, {
      icon: point.icon(),
      draggable: !isFixed,
      autoPan: true,
      title: point.name,
      zIndexOffset: 1000,
    });
    marker.on("add", () => {
      const icon = marker.getElement();
      icon.classList.add("on");
      icon.setAttribute("aria-label", point.name);
      if (!isFixed) icon.addEventListener("keydown", (event) => nudge(event, point));
    });
    marker.on("drag", () => {
      write(point, marker.getLatLng());
      drawPath();
    });
    marker.on("dragend", ask);
    return marker.addTo(map);
  }

  function nudge(event, point) {
    const step = STEP[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const spot = map.latLngToContainerPoint(point.marker.getLatLng()).add(step);
    write(point, map.containerPointToLatLng(spot));
    draw();
    ask();
  }

  const query = () =>
    new URLSearchParams({
      lang,
      datum: datum.value,
      ...Object.fromEntries(Object.values(points).flatMap(({ inputs }) => inputs.filter(Boolean).map((one) => [one.name, one.value]))),
    });

  function ask() {
    clearTimeout(asked);
    asked = setTimeout(check, PAUSE_MS);
  }

  async function check() {
    if (datum.value !== "wgs84") return;
    const sent = query().toString();
    const response = await fetch(`${desk}point-check?${sent}`);
    if (!response.ok || response.redirected || query().toString() !== sent) return;
    say((await response.json()).words);
  }

  function say(sentences) {
    where.replaceChildren(
      ...sentences.flatMap((words) => {
        const span = document.createElement("span");
        span.textContent = words;
        return [span, " "];
      }),
    );
  }

  async function convert(event) {
    event.preventDefault();
    if (datum.value === "wgs84") return;
    const response = await fetch(`${desk}point-check?${query()}`);
    if (!response.ok || response.redirected) return;
    const answer = await response.json();
    for (const [name, { inputs }] of Object.entries(points)) {
      if (!answer[name]) continue;
      answer[name].forEach((number, i) => (inputs[i].value = number.toFixed(7)));
    }
    datum.value = "wgs84";
    form.dispatchEvent(new Event("change", { bubbles: true }));
    const notice = document.getElementById("converted");
    notice.textContent = answer.notice;
    notice.hidden = false;
    say(answer.words);
    draw();
    show();
  }

  function show() {
    const at = Object.values(points).map(({ marker }) => marker?.getLatLng()).filter(Boolean);
    if (at.length) map.fitBounds(L.latLngBounds(at), { padding: [70, 70], maxZoom: 18, animate: false });
  }

  for (const { inputs } of Object.values(points)) {
    for (const one of inputs.filter(Boolean)) {
      one.addEventListener("input", () => {
        draw();
        ask();
      });
      one.addEventListener("paste", (event) => {
        const both = event.clipboardData.getData("text").trim().split(/[\s,，]+/);
        if (both.length !== 2 || !both.every(isNumber)) return;
        event.preventDefault();
        inputs.forEach((input, i) => (input.value = both[i]));
        one.dispatchEvent(new Event("input", { bubbles: true }));
      });
    }
  }
  document.getElementById("convert").addEventListener("click", convert);
  add.addEventListener("click", () => {
    const at = map.latLngToContainerPoint(points.pin.marker.getLatLng()).add([44, 24]);
    write(points.arrival, map.containerPointToLatLng(at));
    draw();
    ask();
    points.arrival.marker.getElement().focus();
  });
  drop.addEventListener("click", () => {
    for (const one of points.arrival.inputs) one.value = "";
    form.dispatchEvent(new Event("change", { bubbles: true }));
    draw();
    ask();
    add.focus();
  });
  map.on("click", ({ latlng }) => {
    if (isFixed || points.pin.marker || datum.value !== "wgs84") return;
    write(points.pin, latlng);
    draw();
    ask();
  });
  draw();
  show();
  return { isPlaced: () => points.pin.marker !== null };
}

function entranceIcon(sign) {
  const mark = document.createElement("div");
  mark.className = "entrance";
  mark.textContent = sign;
  return L.divIcon({ html: mark, className: "", iconSize: [44, 44], iconAnchor: [22, 22] });
}
