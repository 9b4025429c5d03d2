// Where am I, where to, and finding a place by name: by the phone, a tap on the map, a name, a pasted link, a printed code.
// All of it is worked out here; what was chosen stays on this phone.

import { loadNames } from "../phone/pack.js";
import { ask, openFor, showPlace } from "./ask.js";
import { make } from "./cards.js";
import { holdTiles, load } from "./keep.js";
import { english, fill, words } from "./words.js";

const SHOWN = 30;
const SUGGESTED = 8;
// what a landmark is, by its OSM tag, and else by the tag's key
const KINDS = {
  shop: "shop",
  office: "work",
  railway: "rail",
  public_transport: "rail",
  "building=office": "work",
  "building=civic": "work",
  "landuse=industrial": "work",
  "landuse=commercial": "work",
  "landuse=residential": "home",
  "landuse=retail": "shop",
  "leisure=park": "park",
  "amenity=school": "school",
  "amenity=kindergarten": "school",
  "amenity=university": "school",
  "amenity=college": "school",
  "amenity=cafe": "food",
  "amenity=restaurant": "food",
  "amenity=fast_food": "food",
  "amenity=hospital": "health",
  "amenity=clinic": "health",
  "amenity=dentist": "health",
  "amenity=doctors": "health",
  "amenity=pharmacy": "health",
};
const LINK = /[a-z]+:\/\/|geo:|\d{2,3}\.\d{3,}|【|\n/i;

const dialog = document.getElementById("where");
const field = document.getElementById("where-text");
const found = document.getElementById("where-found");
const note = document.getElementById("where-note");

let mode = "find";
let picking = null;
let names = null;
let wired = false;
let spot = null;

function say(text) {
  note.textContent = text;
  note.hidden = !text;
}

// --- names --------------------------------------------------------------------------------

async function entries(rider) {
  const phone = await openFor(rider);
  names ??= loadNames(phone.index, load).catch((error) => {
    names = null;
    throw error;
  });
  const { streets, crossings, landmarks } = await names;
  const layers = new Map(phone.index.layers.map((layer) => [layer.key, layer]));
  return [
    ...phone.places.map((place) => ({ ...place, place, lonlat: place.target, sub: layers.get(place.layer)[english ? "en" : "zh"] })),
    ...landmarks.map((one) => ({ ...one, lonlat: [one.lon, one.lat], sub: landmarkWords(one.kind), isLandmark: true })),
    ...streets.map((one) => ({ ...one, lonlat: [one.lon, one.lat], sub: words.street })),
    ...crossings.map((one) => ({
      name: fill(words.crossing_of, { a: one.names[0], b: one.names[1] }),
      pinyin: "",
      initials: "",
      lonlat: [one.lon, one.lat],
      sub: words.crossing,
      isCrossing: true,
    })),
  ];
}

function landmarkWords(kind) {
  const group = KINDS[kind] ?? KINDS[kind.split("=")[0]];
  return group ? words[`kind_${group}`] : words.landmark;
}

const squeeze = (text) => text.toLowerCase().replace(/[\s·・'-]/g, "");

// How well a name fits: the smaller the better; above 9 not at all. Pinyin counts from the start of any syllable.
function rank(entry, wanted) {
  const name = squeeze(entry.name);
  if (name.startsWith(wanted)) return 0;
  if (name.includes(wanted)) return entry.isCrossing ? 3 : 1;
  if (!/^[a-z]+$/.test(wanted)) return 10;
  if (entry.initials.startsWith(wanted)) return 1;
  const syllables = entry.pinyin.split(" ");
  for (let i = 0; i < syllables.length; i++) if (syllables.slice(i).join("").startsWith(wanted)) return i ? 3 : 2;
  return entry.initials.includes(wanted) ? 4 : 10;
}

/** What fits a text, best first; what is equally good, nearer to the middle of the district first. */
export function search(all, text, centre) {
  const wanted = squeeze(text);
  if (!wanted) return [];
  const far = ({ lonlat: [lon, lat] }) => Math.hypot((lon - centre[0]) * 0.76, lat - centre[1]);
  const hits = all.map((entry) => [rank(entry, wanted), entry]).filter(([score]) => score < 10);
  hits.sort(([a, one], [b, other]) => a - b || far(one) - far(other));
  return hits.slice(0, SHOWN).map(([, entry]) => entry);
}

// --- choosing -----------------------------------------------------------------------------

function keep(rider) {
  try {
    if (rider.from) localStorage.setItem(`area:${rider.base}`, JSON.stringify(rider.from));
    else localStorage.removeItem(`area:${rider.base}`);
    if (rider.to) sessionStorage.setItem(`goal:${rider.base}`, JSON.stringify(rider.to));
    else sessionStorage.removeItem(`goal:${rider.base}`);
  } catch {
    // storage may be forbidden: then the journey lasts for this page
  }
}

/** Take a point as start ("from") or destination ("to"), or take that away. */
export async function settle(rider, which, point) {
  clearSpot(rider);
  await ask(rider, { [which]: point });
  keep(rider);
}

async function choose(rider, entry) {
  dialog.close();
  const point = { lonlat: entry.lonlat, name: entry.name };
  if (mode !== "find") return settle(rider, mode, point);
  // the map goes where a name was looked for: which tiles that takes is nobody's business
  if (!holdTiles((await openFor(rider)).index)) return settle(rider, "from", point);
  if (!entry.place) return offer(rider, point);
  await showPlace(rider, entry.place.id);
  rider.select(entry.place.id, { scroll: true });
}

function hit(rider, entry) {
  const layer = entry.place && document.querySelector(`.layers [data-key="${CSS.escape(entry.place.layer)}"]`);
  const badge = make("i", layer ? `badge c-${entry.place.layer}` : "badge plain", layer?.dataset.pin ?? entry.sub.charAt(0));
  badge.setAttribute("aria-hidden", "true");
  const name = make("b", "", entry.name);
  if (english && !entry.isPasted) name.lang = "zh-CN";
  const button = make("button", "hit", badge, make("span", "", name, make("small", "", entry.sub)));
  button.type = "button";
  button.addEventListener("click", () => choose(rider, entry).catch(() => rider.say(words.failed_offline)));
  return make("li", "", button);
}

const list = (rider, hits) => found.replaceChildren(...hits.map((entry) => hit(rider, entry)));

async function pasted(rider, text, all) {
  const { readPasted } = await import("../links/paste.js");
  const phone = await openFor(rider);
  const byName = (wanted) => {
    const [best] = search(all, wanted, rider.centre);
    return best ? { lon: best.lonlat[0], lat: best.lonlat[1], name: best.name } : null;
  };
  const place = readPasted(text, { bbox: rider.bbox, apps: phone.index.apps, search: byName });
  if (place.refused) {
    say(words[`refused_${place.refused}`]);
    return [];
  }
  if (place.unsure) say(words.unsure);
  const name = place.name || words.pasted;
  return [{ name, lonlat: [place.lon, place.lat], sub: (place.datum ?? "").toUpperCase(), isPasted: true }];
}

async function look(rider) {
  const text = field.value;
  say("");
  try {
    const all = await entries(rider);
    if (text !== field.value) return;
    if (!text.trim()) return list(rider, mode === "find" ? [] : near(rider, all));
    const isLink = LINK.test(text);
    const hits = isLink ? [] : search(all, text, rider.centre);
    if (hits.length) return list(rider, hits);
    const read = isLink || text.trim().length > 6 ? await pasted(rider, text, all) : [];
    if (text !== field.value) return;
    list(rider, read);
    if (!read.length && note.hidden) say(fill(words.where_none, { text: text.trim().slice(0, 40) }));
  } catch {
    say(words.failed_offline);
  }
}

// What one may mean before a letter is typed: landmarks around the middle of the map.
function near(rider, all) {
  const middle = rider.map.getCenter();
  const far = ({ lonlat: [lon, lat] }) => Math.hypot((lon - middle.lng) * 0.76, lat - middle.lat);
  const landmarks = all.filter((entry) => entry.isLandmark);
  return landmarks.sort((a, b) => far(a) - far(b)).slice(0, SUGGESTED);
}

// --- the window ---------------------------------------------------------------------------

/** Open the window: "from", "to" or "find". */
export function openWhere(rider, wanted) {
  mode = wanted;
  if (!wired) wire(rider);
  document.getElementById("where-title").textContent = words[`where_${mode}`];
  document.querySelector("#where .ways").hidden = mode === "find";
  document.getElementById("where-me").hidden = mode !== "from" || !("geolocation" in navigator);
  const clear = document.getElementById("where-clear");
  clear.hidden = mode === "find" || !rider[mode];
  clear.querySelector("span").textContent = mode === "to" ? words.clear_to : words.clear_from;
  field.value = "";
  found.replaceChildren();
  dialog.showModal();
  field.focus();
  return look(rider);
}

function wire(rider) {
  wired = true;
  field.addEventListener("input", () => look(rider));
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const hits = [field, ...found.querySelectorAll(".hit")];
    const at = hits.indexOf(document.activeElement);
    if (event.key === "Enter" && at === 0 && hits[1]) hits[1].click();
    else if (step && at >= 0) hits[Math.max(0, Math.min(hits.length - 1, at + step))].focus();
    else return;
    event.preventDefault();
  });
  document.getElementById("where-me").addEventListener("click", () => askPhone(rider));
  document.getElementById("where-tap").addEventListener("click", () => {
    dialog.close();
    picking = mode;
    rider.say(mode === "to" ? words.tap_to : words.tap_from);
    rider.sheet.low();
  });
  document.getElementById("where-paste").addEventListener("click", async () => {
    try {
      field.value = await navigator.clipboard.readText();
    } catch {
      say(words.paste_denied);
      field.focus();
      return;
    }
    look(rider);
  });
  document.getElementById("where-clear").addEventListener("click", () => {
    dialog.close();
    settle(rider, mode, null);
  });
  document.getElementById("spot-from").addEventListener("click", () => settle(rider, "from", spot));
  document.getElementById("spot-to").addEventListener("click", () => settle(rider, "to", spot));
  document.getElementById("spot-no").addEventListener("click", () => clearSpot(rider));
}

/** Ask the phone where it is: only ever after a tap. */
export function askPhone(rider) {
  const tell = dialog.open ? say : rider.say;
  const place = ({ coords: { longitude: lon, latitude: lat } }) => {
    const [west, south, east, north] = rider.bbox;
    if (lon < west || lon > east || lat < south || lat > north) return tell(words.locate_outside);
    tell("");
    if (dialog.open) dialog.close();
    return settle(rider, "from", { lonlat: [lon, lat], name: words.me }).catch(() => rider.say(words.failed_offline));
  };
  tell(words.where_busy);
  navigator.geolocation.getCurrentPosition(place, () => tell(words.locate_refused), {
    enableHighAccuracy: true,
    maximumAge: 30_000,
    timeout: 10_000,
  });
}

// --- a spot on the map --------------------------------------------------------------------

function clearSpot(rider) {
  spot = null;
  document.getElementById("spot-here").hidden = true;
  rider.view.mark("spot", null);
}

function offer(rider, point) {
  if (!wired) wire(rider);
  spot = point;
  rider.view.mark("spot", point.lonlat, point.name);
  rider.view.show(point.lonlat);
  document.getElementById("spot-here").hidden = false;
}

/** The map was tapped: that is the answer, if a spot was asked for; else the rider is asked what it is. */
export function tapped(rider, { lng, lat }) {
  const point = { lonlat: [Number(lng.toFixed(6)), Number(lat.toFixed(6))], name: words.tapped };
  const which = picking;
  picking = null;
  if (which) return settle(rider, which, point);
  if (!wired) wire(rider);
  spot = point;
  rider.view.mark("spot", point.lonlat, point.name);
  document.getElementById("spot-here").hidden = false;
  return null;
}

// --- what was said before -----------------------------------------------------------------

function parsed(text) {
  try {
    const point = JSON.parse(text);
    return Array.isArray(point?.lonlat) && point.lonlat.every(Number.isFinite) ? point : null;
  } catch {
    return null; // written by something else: as if nothing had been
  }
}

function fromFragment(key) {
  const [lon, lat, name] = new URLSearchParams(location.hash.slice(1)).get(key)?.split(",") ?? [];
  const lonlat = [Number(lon), Number(lat)];
  return lat && lonlat.every(Number.isFinite) ? { lonlat, name: name || words.tapped } : null;
}

/** Begin where the printed code, the fragment or the last visit says. */
export async function recall(rider, area) {
  const code = new URLSearchParams(location.hash.slice(1)).get("here");
  let goal = null;
  try {
    goal = sessionStorage.getItem(`goal:${rider.base}`);
  } catch {
    // storage may be forbidden: then no destination was kept
  }
  const start = { from: fromFragment("from") ?? parsed(area), to: fromFragment("to") ?? parsed(goal) };
  if (code) {
    const place = (await openFor(rider)).place(code);
    if (place) start.from = { lonlat: place.target, name: place.name };
    await ask(rider, start);
    if (!place) rider.say(words.here_unknown);
  } else await ask(rider, start);
  keep(rider);
}
