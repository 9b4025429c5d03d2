// The what-if desk: what is dragged, switched or typed is asked of the server at once, and everything on the page follows.

import { makeBasemap } from "../basemap.js";
import { lastWins, post } from "./ask.js";
import { makeClock } from "./clock.js";
import { bitsOf, dotLayer, loadPoints } from "./dots.js";
import { makeLayers } from "./layers.js";
import { difference, fill, percent, placeTable, writeCommunities, writeLeft, writeSummary } from "./tables.js";

const SETTLE_MS = 500;
const MOST_QUERY = 1900; // the server reads 2048 bytes of a query
const MOST_SITES = 50;
const SMALL_PX = 6;
const LARGE_PX = 48;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const element = (id) => document.getElementById(id);
const words = JSON.parse(element("words").textContent);
const state = JSON.parse(element("state").textContent);
const ground = document.querySelector(".map");
const { base } = ground.dataset;
const map = window.districtMap;
const dark = matchMedia("(prefers-color-scheme: dark)");
const markers = new Map();
const undo = [];
const plainGroups = JSON.stringify(state.parameters.groups.map(({ riders, ...rest }) => rest));
const isAddressable = element("unshared").hidden;
let settling = null;
let hasFailed = false;
let dots = null;

const round = (degrees) => Math.round(degrees * 1e6) / 1e6;
const given = () => ({ parameters: state.parameters, hour: state.hour });
const changes = () => state.parameters.changes;
const say = (text) => (element("message").textContent = text);

// --- asking ------------------------------------------------------------------------------------------

const ask = lastWins(
  async ({ withBefore }) => {
    const before = withBefore ? await post(`${base}what-if.json`, { ...given(), parameters: { ...state.parameters, changes: [] } }) : null;
    return { before, after: await post(`${base}what-if.json`, given()) };
  },
  ({ before, after }) => {
    if (before) state.before = before;
    state.after = after;
    hasFailed = false;
    show();
    document.documentElement.dataset.steps = String(Number(document.documentElement.dataset.steps ?? 0) + 1);
  },
  (error) => {
    hasFailed = true;
    say(error.isRefusal ? fill(words.failed, { why: error.message }) : words.offline);
    if (error.isRefusal && undo.length) back();
  },
);

let owedBefore = false;
function follow({ withBefore = false } = {}) {
  owedBefore ||= withBefore;
  const question = { withBefore: owedBefore };
  const asked = ask(question).then(() => (owedBefore = false));
  clearTimeout(settling);
  settling = setTimeout(() => asked.then(settle), SETTLE_MS);
  return asked;
}

function show() {
  const { before, after, hour } = state;
  clock.draw(before, after, hour);
  writeSummary(element("summary"), before, after, words);
  element("worst-name").textContent = after.worst?.name ?? "–";
  writePlaces(after.places);
  writeLeft(element("left"), after.hour, words);
  element("left-said").textContent = fill(words.left_said, { covered: percent(after.hour.covered_share), n: after.hour.left_out_count });
  element("left-when").textContent = `${words.weekdays[Math.floor(hour / 24)]} ${String(hour % 24).padStart(2, "0")}:00`;
  writeCommunities(element("communities"), after.communities);
  dots?.show(bitsOf(after.hour.covered));
  drawPlaces();
  element("undo").disabled = !undo.length;
  element("reset").disabled = !changes().length;
}

// What need not follow every step: what is said aloud, the address, the files, the layers of the hour.
function settle() {
  const { before, after } = state;
  const said = {
    covered: percent(after.covered_share),
    diff: difference(before.covered_share, after.covered_share, "share", words),
    night: percent(after.at["02:00"]),
    day: percent(after.at["14:00"]),
  };
  if (!hasFailed) say(fill(words.said, said));
  for (const input of document.querySelectorAll(".plan-parameters")) input.value = JSON.stringify(state.parameters);
  for (const input of document.querySelectorAll(".plan-hour")) input.value = String(state.hour);
  const query = address();
  const asked = new URLSearchParams(query);
  for (const input of document.querySelectorAll(".plan-asked")) input.value = asked.get(input.name) ?? "";
  const fits = isAddressable && query.length < MOST_QUERY && plainGroups === JSON.stringify(state.parameters.groups.map(({ riders, ...rest }) => rest));
  element("unshared").hidden = fits;
  if (fits) {
    history.replaceState(null, "", `?${query}`);
    element("share").href = `?${query}`;
    const other = new URLSearchParams(query);
    other.set("lang", document.documentElement.lang === "en" ? "zh" : "en");
    element("language").href = `?${other}`;
  }
  layers.again();
  document.documentElement.dataset.settled = document.documentElement.dataset.steps ?? "";
}

function address() {
  const { parameters: asked, hour } = state;
  const [layer, ...services] = asked.need.split(":");
  const query = new URLSearchParams({ layer, minutes: asked.minutes, profile: asked.profile, week: asked.week, hour });
  const more = {
    metres: asked.metres ?? "",
    service: services.join(","),
    also: asked.also.join(","),
    accept: asked.accept.join(","),
    stations: asked.stations === 1 ? "" : asked.stations,
    riders: asked.groups.map(({ key, riders }) => `${key}:${riders}`).join(","),
    changes: changes().length ? JSON.stringify(changes()) : "",
    demand: asked.demand?.sha256 ?? "",
    demand_use: asked.demand?.use ?? "",
    site_hours: asked.site_hours === state.plain.site_hours ? "" : asked.site_hours,
    lang: new URLSearchParams(location.search).get("lang") ?? "",
  };
  for (const [key, yuan] of Object.entries(asked.prices)) if (yuan !== state.plain.prices[key]) more[key] = yuan;
  for (const [key, value] of Object.entries(more)) if (value) query.set(key, value);
  return query.toString();
}

// --- changing ----------------------------------------------------------------------------------------

function remember() {
  undo.push(JSON.stringify(changes()));
  if (undo.length > 100) undo.shift();
}

function change(next) {
  remember();
  state.parameters.changes = next;
  drawSites();
  return follow();
}

function back() {
  state.parameters.changes = JSON.parse(undo.pop());
  drawSites();
  return follow();
}

const without = (id) => changes().filter((one) => one.place !== id);
const sites = () => changes().filter((one) => one.do === "site");
const siteOf = (id) => sites()[Number(id.slice(4)) - 1];

function addSite({ lat, lng }, name = "") {
  if (changes().length >= MOST_SITES) return;
  const number = Math.max(0, ...sites().map((one) => Number(/\d+$/.exec(one.name ?? "")?.[0] ?? 0))) + 1;
  change([...changes(), { do: "site", lon: round(lng), lat: round(lat), name: name.slice(0, 80) || fill(words.site, { n: number }) }]);
  markers.get(sites().at(-1))?.getElement()?.focus({ preventScroll: true });
}

const writePlaces = placeTable(element("places"), words, {
  onClose: (id) => change([...without(id), { do: "close", place: id }]),
  onHours: (id, hours) => {
    if (!id.startsWith("new:")) change([...without(id), { do: "hours", place: id, hours }]);
    else change(changes().map((one) => (one === siteOf(id) ? { ...one, hours } : one)));
  },
  onRestore: (id) => change(without(id)),
  onRemove: (id) => change(changes().filter((one) => one !== siteOf(id))),
});

// --- the map -----------------------------------------------------------------------------------------

function siteIcon(name) {
  const pin = document.createElement("div");
  pin.className = "site";
  const tag = document.createElement("em");
  tag.textContent = name;
  pin.append(tag);
  return L.divIcon({ html: pin, className: "", iconSize: [44, 44], iconAnchor: [22, 22] });
}

function move(site, marker, latlng) {
  [site.lon, site.lat] = [round(latlng.lng), round(latlng.lat)];
  marker.setLatLng(latlng);
  return follow();
}

function nudge(event, site, marker) {
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    event.stopPropagation();
    change(changes().filter((one) => one !== site));
    element("add").focus();
    return;
  }
  const step = ARROWS[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  remember();
  const far = event.shiftKey ? LARGE_PX : SMALL_PX;
  const at = map.latLngToContainerPoint(marker.getLatLng()).add(step.map((one) => one * far));
  move(site, marker, map.containerPointToLatLng(at));
}

function makeMarker(site) {
  const marker = L.marker([site.lat, site.lon], { icon: siteIcon(site.name), draggable: true, autoPan: true, zIndexOffset: 1000 });
  const label = () => fill(words.site_at, { name: site.name, covered: percent(state.after.covered_share) });
  marker.on("add", () => {
    const icon = marker.getElement();
    icon.setAttribute("aria-label", label());
    icon.addEventListener("focus", () => icon.setAttribute("aria-label", label()));
    icon.addEventListener("keydown", (event) => nudge(event, site, marker));
  });
  marker.on("dragstart", remember);
  marker.on("drag", () => move(site, marker, marker.getLatLng()));
  return marker.addTo(map);
}

function drawSites() {
  const wanted = new Set(sites());
  for (const [site, marker] of markers) {
    if (wanted.has(site)) continue;
    marker.remove();
    markers.delete(site);
  }
  for (const site of wanted) if (!markers.has(site)) markers.set(site, makeMarker(site));
}

const spots = new Map();
function drawPlaces() {
  for (const one of state.after.places) {
    if (one.change === "site") continue;
    const name = `spot ${one.is_open ? "open" : "shut"} ${one.change}`;
    let spot = spots.get(one.id);
    if (!spot) {
      spot = L.circleMarker([one.lat, one.lon], { radius: 7, className: name });
      const tag = document.createElement("span");
      tag.textContent = one.name;
      spot.bindTooltip(tag);
      spot.on("click", (event) => {
        L.DomEvent.stopPropagation(event);
        document.querySelector(`#places tr[data-id="${CSS.escape(one.id)}"] button`)?.focus();
      });
      spot.addTo(map);
      spots.set(one.id, spot);
    }
    const drawn = spot.getElement();
    const look = `${name} leaflet-interactive`;
    if (drawn && drawn.getAttribute("class") !== look) drawn.setAttribute("class", look);
  }
}

async function drawCandidates(group) {
  const response = await fetch(`${base}candidates.json?${address().replace(/&?(changes|hour|lang|riders)=[^&]*/g, "")}`);
  const { rows } = await response.json();
  for (const [, , name, lon, lat] of rows) {
    const spot = L.circleMarker([lat, lon], { radius: 5, className: "candidate" });
    const tag = document.createElement("span");
    tag.textContent = fill(words.candidate, { name });
    spot.bindTooltip(tag);
    spot.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      addSite({ lat, lng: lon }, name);
    });
    group.addLayer(spot);
  }
}

function chooseHour(hour) {
  state.hour = hour;
  clock.choose(hour);
  follow({ withBefore: true });
}

function wireGroups() {
  element("groups").addEventListener("change", ({ target }) => {
    const { group, field, hour } = target.dataset;
    if (field === undefined || !target.reportValidity() || target.value === "") return;
    const one = state.parameters.groups[Number(group)];
    if (hour === undefined) one[field] = Number(target.value);
    else one[field][Number(hour)] = Number(target.value);
    follow({ withBefore: true });
  });
}

function wirePrices() {
  element("prices").addEventListener("change", ({ target }) => {
    if (!target.reportValidity()) return;
    if (target.name === "site_hours") state.parameters.site_hours = target.value;
    else state.parameters.prices[target.name] = Number(target.value);
    follow({ withBefore: true });
  });
}

function wireLayers() {
  const candidates = L.layerGroup();
  element("layers").hidden = false;
  element("layers").addEventListener("change", ({ target }) => {
    const { layer } = target.dataset;
    if (layer === "demand") dots?.layer[target.checked ? "addTo" : "removeFrom"](map);
    else if (layer === "candidates") {
      if (target.checked) candidates.addTo(map);
      else candidates.remove();
      if (target.checked && !candidates.getLayers().length) drawCandidates(candidates).catch((error) => say(fill(words.failed, { why: error.message })));
    } else layers.toggle(layer, target.checked);
  });
}

function wireButtons() {
  for (const id of ["add", "undo", "reset", "how"]) element(id).hidden = false;
  element("add").addEventListener("click", () => addSite(map.getCenter()));
  element("undo").addEventListener("click", back);
  element("reset").addEventListener("click", () => change([]));
  map.on("click", ({ latlng }) => addSite(latlng));
}

async function begin() {
  map.createPane("parts").style.zIndex = 340;
  map.createPane("dots").style.zIndex = 360;
  map.getPane("dots").style.pointerEvents = "none";
  const [west, south, east, north] = ground.dataset.bbox.split(",").map(Number);
  L.control.zoom({ position: "bottomright" }).addTo(map);
  for (const button of map.getContainer().querySelectorAll(".leaflet-control-zoom a")) button.removeAttribute("title");
  map.options.zoomSnap = 0.25; // a whole district fills the frame
  const box = L.latLngBounds([[south, west], [north, east]]);
  map.fitBounds(box, { animate: false });
  const drawn = makeBasemap(map, { ...JSON.parse(ground.dataset.basemap), dark: dark.matches });
  drawPlaces();
  drawSites();
  show();
  wireButtons();
  wireLayers();
  wireGroups();
  wirePrices();
  const { demand, need } = state.parameters;
  const asked = new URLSearchParams({ layer: need.split(":")[0], ...(demand && { demand: demand.sha256, demand_use: demand.use }) });
  const points = await loadPoints(`${base}points.json?${asked}`);
  if (points.length) map.fitBounds(L.latLngBounds(points), { animate: false });
  dots = dotLayer(points, dark.matches);
  dots.show(bitsOf(state.after.hour.covered));
  dots.layer.addTo(map);
  dark.addEventListener("change", () => {
    drawn.repaint(dark.matches);
    dots.dress(dark.matches);
  });
}

function doubt(says) {
  const note = element("doubt");
  note.hidden = !says;
  note.textContent = says ? says[document.documentElement.lang === "en" ? "en" : "zh"] : "";
}

const layers = makeLayers(map, base, { given, say, doubt, words });
const clock = makeClock(element("clock-picture"), element("clock"), words, { onHour: chooseHour });
begin()
  .catch((error) => say(fill(words.failed, { why: error.message })))
  .finally(() => (document.documentElement.dataset.ready = "yes"));
