
// --- the map to hand on: places and areas into the groups that folium made -----------------------------

const NARROW = 600; // pixels
const CLOSE = 15;

const held = JSON.parse(document.getElementById("data").textContent);
const { map: sharedMap, groups } = window.shared;

function sheet({ name, rows }) {
  const box = document.createElement("div");
  const title = document.createElement("h2");
  title.textContent = name;
  const list = document.createElement("dl");
  for (const [label, text] of rows) {
    const [term, fact] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = label;
    fact.textContent = text;
    list.append(term, fact);
  }
  box.append(title, list);
  return box;
}

function pinOf(kind, character) {
  const pin = document.createElement("div");
  pin.className = `pin ${kind}`;
  const letter = document.createElement("b");
  letter.textContent = character;
  pin.append(letter);
  return L.divIcon({ html: pin, className: "", iconSize: [40, 44], iconAnchor: [20, 42], popupAnchor: [0, -34] });
}

// thousands of dots are drawn on one canvas, and areas with them: what lies below a canvas hears no click
const ink = Object.values(held.layers).some(({ dots }) => dots) ? L.canvas({ padding: 0.5 }) : undefined;

function dotOf([lon, lat, radius, name, rows], colour, isHollow) {
  const style = { color: colour, weight: isHollow ? 1.5 : 0.5, fillColor: colour, fillOpacity: isHollow ? 0 : 0.75 };
  const dot = L.circleMarker([lat, lon], { renderer: ink, radius, ...style });
  return dot.bindPopup(() => sheet({ name, rows }), { maxWidth: 300 });
}

function fill(key, { pin, colour, places, areas, dots = [], isHollow = false }) {
  const kind = `c-${key}`;
  const markers = places.map((place) => {
    const marker = L.marker([place.at[1], place.at[0]], { icon: pinOf(kind, place.pin ?? pin), title: place.name, alt: place.name, kind });
    marker.bindPopup(() => sheet(place), { maxWidth: 300 });
    marker.on("add", () => marker.getElement().setAttribute("aria-label", place.name));
    return marker;
  });
  if (groups[key].addLayers) groups[key].addLayers(markers);
  else for (const marker of markers) groups[key].addLayer(marker);
  for (const area of areas) {
    const style = { color: colour, weight: 1.5, opacity: 0.8, fillOpacity: area.fill ?? 0.05 };
    const shape = L.geoJSON(area.geometry, { style, renderer: ink });
    shape.bindPopup(() => sheet(area));
    groups[key].addLayer(shape);
  }
  for (const dot of dots) groups[key].addLayer(dotOf(dot, colour, isHollow));
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function tileInside(z, x, y) {
  const text = held.tiles[`${z}/${x}/${y}`];
  return text ? unpacked(text) : null;
}

const night = matchMedia("(prefers-color-scheme: dark)");
if (held.ground) {
  const ground = makeBasemap(sharedMap, { ...held.ground, tile: tileInside, dark: night.matches });
  night.addEventListener("change", () => ground.repaint(night.matches));
}
for (const [key, layer] of Object.entries(held.layers)) fill(key, layer);
const [west, south, east, north] = held.box;
sharedMap.fitBounds([[south, west], [north, east]], { animate: false });
if (innerWidth < NARROW) {
  // a whole district on a phone is a heap of pins: begin in its middle
  if (sharedMap.getZoom() < CLOSE) sharedMap.setView([held.centre[1], held.centre[0]], CLOSE, { animate: false });
  window.shared.control.options.collapsed = true;
  window.shared.control.remove().addTo(sharedMap);
}
document.documentElement.dataset.ready = "yes";
