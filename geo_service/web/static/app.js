// The rider's page: joins the server's list with the map and waits for a question. Without this file the list works alone.
// What answers questions (rider/ask.js and all behind it) is fetched with the first question, not before.

import { makeBasemap } from "./basemap.js";
import { loadPins } from "./pins.js";
import { makeView } from "./rider/view.js";
import { words } from "./rider/words.js";
import { makeSheet } from "./sheet.js";

const OLD_MS = 5 * 60_000;
const SEEN_MS = 20_000;

const data = document.body.dataset;
const message = document.getElementById("message");
const list = document.getElementById("list");
const chosen = document.getElementById("chosen");
const map = window.districtMap;
const lonlat = (text) => text.split(",").map(Number);

function say(text) {
  message.textContent = text;
  message.hidden = !text;
}

const sheet = makeSheet(() => undefined);
const view = map && makeView(map, sheet, (place) => pick(place));

// Everything that the parts fetched later need to know of the page.
const rider = {
  base: data.base,
  layer: data.layer,
  profile: data.profile,
  centre: lonlat(data.centre),
  bbox: lonlat(data.bbox),
  langQuery: data.lang,
  kinds: [...document.querySelectorAll(".kind[aria-current]")].map((chip) => chip.dataset.kind),
  from: null,
  to: null,
  battery: null,
  map,
  view,
  sheet,
  say,
  select,
  chosen,
  list,
};

const cards = () => [...document.querySelectorAll(".cards .card")];
const ask = async (change) => (await import("./rider/ask.js")).ask(rider, change);
const open = async (mode) => (await import("./rider/where.js")).openWhere(rider, mode);
const offline = () => say(words.failed_offline);

function select(id, { pan = true, scroll = false } = {}) {
  for (const card of document.querySelectorAll(".card")) card.classList.toggle("selected", card.dataset.id === id);
  const card = document.querySelector(".card.selected");
  if (!card?.closest("#chosen")) chosen.hidden = true;
  if (card) {
    sheet.lower();
    if (scroll) {
      sheet.raise();
      card.scrollIntoView({ block: "nearest" });
    }
    if (pan) view.show(lonlat(card.dataset.lonlat));
  }
  view.select(id);
}

// A pin whose card is not in the list gets one of its own on top.
async function pick(place) {
  const listed = cards().some((card) => card.dataset.id === place.id);
  if (!listed) await (await import("./rider/ask.js")).showPlace(rider, place.id).catch(offline);
  select(place.id, { pan: false, scroll: true });
}

async function drawPins() {
  // a district without places has no layer to draw
  if (!rider.layer) return;
  const places = await loadPins(`${data.base}pins.json?layer=${encodeURIComponent(rider.layer)}`);
  const chip = document.querySelector(".layers [aria-current]");
  const ids = cards().map((card) => card.dataset.id);
  view.drawPins(places, { character: data.pin, label: chip.lastChild.textContent, ids });
}

// The first view's tiles come by what it shows. Once rider/keep.js is here it gives them (`rider.load`): in an order that
// says nothing of where the map went, and from the phone when the server is gone.
const tileFrom = (template) => async (z, x, y, signal) => {
  const url = template.replace("{z}", z).replace("{x}", x).replace("{y}", y);
  const answer = await (rider.load ?? fetch)(url, { signal });
  if (!answer.ok) throw new Error(`tile ${z}/${x}/${y}: ${answer.status}`);
  return answer.status === 204 ? null : answer.arrayBuffer();
};

function drawGround() {
  const isDark = () => document.documentElement.dataset.theme === "dark";
  const facts = JSON.parse(data.basemap);
  const ground = makeBasemap(map, { ...facts, tile: facts.url && tileFrom(facts.url), dark: isDark() });
  addEventListener("themechange", () => ground.repaint(isDark()));
  return ground;
}

function wireList() {
  list.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    const card = row?.closest(".card");
    // first tap: show it on the map; second: its page
    if (!card || !view || card.classList.contains("selected") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    select(card.dataset.id);
  });
}

// The chooser comes with the first touch of a button that needs it; one who chose an app before gets it at once.
function wireChooser() {
  const button = "summary, [data-navigate]";
  const find = (one) => rider.navigable?.(one) ?? null;
  let here = null;
  let wired = false;
  const fetchIt = () =>
    (here ??= import("./links/chooser.js").then(({ makeChooser }) => {
      makeChooser({ find });
      wired = true;
    }));
  list.addEventListener("pointerdown", (event) => event.target.closest(button) && fetchIt().catch(() => undefined));
  list.addEventListener("click", (event) => {
    const go = event.target.closest(button);
    if (!go || wired) return;
    event.preventDefault();
    fetchIt().then(
      () => go.click(),
      () => go.parentElement.toggleAttribute("open"),
    );
  });
  try {
    if (localStorage.getItem("map-app")) fetchIt().catch(() => undefined);
  } catch {
    // storage may be forbidden: then no app was remembered
  }
}

// What was pressed shows at once, the answer when it is there.
function press(chip) {
  document.querySelector(".cards").classList.add("old");
  if (chip.dataset.kind) {
    if (chip.hasAttribute("aria-current")) chip.removeAttribute("aria-current");
    else chip.setAttribute("aria-current", "true");
    return;
  }
  for (const one of document.querySelectorAll(".layers [aria-current]")) one.removeAttribute("aria-current");
  chip.setAttribute("aria-current", "page");
}

// Chips answer in place; if that fails, they are links.
function wireChips() {
  document.querySelector(".filters")?.addEventListener("click", (event) => {
    const chip = event.target.closest(".chip");
    if (!chip || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const how = chip.dataset.key ? { layer: chip.dataset.key } : { kind: chip.dataset.kind };
    press(chip);
    ask(how).catch(() => location.assign(chip.href));
  });
}

function wireJourney() {
  document.querySelector(".journey").hidden = false;
  const find = document.getElementById("find");
  find.hidden = false;
  for (const [id, mode] of [["find", "find"], ["from", "from"], ["to", "to"]]) {
    document.getElementById(id).addEventListener("click", () => open(mode).catch(offline));
  }
  document.getElementById("battery").addEventListener("click", () => {
    import("./rider/battery.js").then((module) => module.toggleBattery(rider)).catch(offline);
  });
  const locate = document.getElementById("locate");
  locate.hidden = !("geolocation" in navigator);
  locate.addEventListener("click", () => import("./rider/where.js").then((module) => module.askPhone(rider)).catch(offline));
  const aloud = document.getElementById("aloud");
  aloud.hidden = !("speechSynthesis" in window);
  aloud.addEventListener("click", () => import("./rider/aloud.js").then((module) => module.readAloud(list)));
  map.on("click", ({ latlng }) => import("./rider/where.js").then((module) => module.tapped(rider, latlng)).catch(offline));
}

function wireTheme() {
  const button = document.getElementById("theme");
  const name = () => button.setAttribute("aria-label", button.dataset[window.theme.choice()]);
  button.addEventListener("click", () => {
    window.theme.next();
    name();
  });
  name();
  button.hidden = false;
}

// What the rider said before, on this phone or in the fragment of the address; an old list is asked anew.
function begin() {
  const said = location.hash.startsWith("#here=") || location.hash.startsWith("#from=") || location.hash.startsWith("#to=");
  let area = null;
  try {
    area = localStorage.getItem(`area:${data.base}`);
  } catch {
    // storage may be forbidden: then no area was remembered
  }
  const old = Math.abs(Date.now() - Date.parse(data.at)) > OLD_MS;
  if (said || area) return import("./rider/where.js").then((module) => module.recall(rider, area));
  if (location.hash.startsWith("#p-")) return pick({ id: decodeURIComponent(location.hash.slice(3)) });
  return old ? ask({}) : null;
}

// What is for later (the banner, the worker, the district on the phone) is no part of the first view: it begins at the first
// touch or after a while, on a second visit at once.
function whenSeen(begin) {
  try {
    if (localStorage.getItem("seen")) return begin();
    localStorage.setItem("seen", "1");
  } catch {
    // storage may be forbidden: then every visit is a first one
  }
  let begun = null;
  const once = () => (begun ??= begin());
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, once, { once: true, capture: true });
  return setTimeout(once, SEEN_MS);
}

wireTheme();
wireList();
wireChooser();
document.querySelector(".layers [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
if (map) {
  // room to bring any corner of the district into what the sheet leaves free
  map.setMaxBounds(L.latLngBounds(map.options.maxBounds).pad(1));
  view.fit(rider.centre, cards().map((card) => lonlat(card.dataset.lonlat)));
  view.mark("centre", rider.centre, words.centre);
  wireChips();
  wireJourney();
  const failed = () => say(message.dataset.failed);
  const ground = drawGround();
  await drawPins().catch(() => ask({}).catch(failed)); // the engine on the phone has the places as well
  if (rider.layer) await Promise.resolve(begin()).catch(offline);
  addEventListener("hashchange", () => Promise.resolve(begin()).catch(offline));
  whenSeen(() =>
    import("./rider/offline.js").then(({ keep }) => {
      rider.load = keep.load;
      keep.onConnection(({ online }) => online && ground.layer?.again());
    }),
  );
}
document.documentElement.dataset.ready = "yes";
