// The rider's page: joins the server's list with the map. Without this file the list works alone.

import { makeChooser } from "./chooser.js";
import { makeLocator } from "./me.js";
import { loadPins, pinLayer } from "./pins.js";
import { makeSheet } from "./sheet.js";
import { PATHS_FROM_ZOOM, loadStreets, streetLayer } from "./streets.js";

const NAMED = 3;
const IN_VIEW = 4;
const LEAST_ZOOM = 15;

const page = document.body.dataset;
const cards = [...document.querySelectorAll(".card")];
const message = document.getElementById("message");
const chosenBox = document.getElementById("chosen");
const map = window.districtMap;
let pins = null;
let streets = null;

function say(text) {
  message.textContent = text;
  message.hidden = !text;
}

const failed = () => say(message.dataset.failed);

const lonlat = (text) => text.split(",").map(Number);
const latlng = (card) => lonlat(card.dataset.lonlat).reverse();

const sheet = makeSheet(() => undefined);

function padding() {
  const top = document.querySelector(".top");
  const narrow = getComputedStyle(top).position === "fixed";
  return {
    paddingTopLeft: [40, (narrow ? top.offsetHeight : 0) + 50],
    paddingBottomRight: [70, sheet.covered() + 40],
  };
}

function select(id, { pan = true, scroll = false } = {}) {
  for (const card of cards) card.classList.toggle("selected", card.dataset.id === id);
  const card = cards.find((one) => one.dataset.id === id);
  chosenBox.hidden = true;
  if (card) {
    sheet.lower();
    if (scroll) {
      sheet.raise();
      card.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }
    if (pan) map.fitBounds(L.latLngBounds([latlng(card)]), { ...padding(), maxZoom: Math.max(map.getZoom(), 17) });
  }
  pins?.select(id);
}

// A pin whose card is not in the list gets a row of its own on top, with a way to its page.
function pick(place) {
  select(place.id, { pan: false, scroll: true });
  if (cards.some((card) => card.dataset.id === place.id)) return;
  chosenBox.querySelector(".name").textContent = place.name;
  const query = page.lang ? `?${page.lang}` : "";
  chosenBox.querySelector("a").href = `${page.base}p/${encodeURIComponent(place.id)}${query}`;
  chosenBox.hidden = false;
  sheet.raise();
  document.getElementById("list").scrollTop = 0;
}

// The centre and the nearest few, as many as fit without losing the street names; the nearest one always.
function firstView() {
  const centre = lonlat(page.centre).reverse();
  const pad = padding();
  const margin = L.point(pad.paddingTopLeft).add(pad.paddingBottomRight);
  let bounds = L.latLngBounds([centre]);
  for (let n = Math.min(IN_VIEW, cards.length); n > 0; n--) {
    bounds = L.latLngBounds([centre, ...cards.slice(0, n).map(latlng)]);
    if (map.getBoundsZoom(bounds, false, margin) >= LEAST_ZOOM) break;
  }
  map.fitBounds(bounds, { ...pad, maxZoom: 17, animate: false });
}

// The list is sorted from here, so the map shows it.
function markCentre() {
  L.marker(lonlat(page.centre).reverse(), {
    icon: L.divIcon({ html: "", className: "centre", iconSize: [18, 18] }),
    title: page.centreWords,
    interactive: false,
    keyboard: false,
  }).addTo(map);
}

// Tab walks through the list, which holds the same places; a pin is still a button when it is tapped.
function skipWithTab() {
  map.on("layeradd", ({ layer }) => {
    const icon = layer instanceof L.Marker && layer.getElement();
    if (icon) icon.tabIndex = -1;
  });
}

async function drawPins() {
  // a district without places has no layer to draw
  if (!page.layer) return;
  const places = await loadPins(`${page.base}pins.json?layer=${encodeURIComponent(page.layer)}`);
  pins = pinLayer(places, {
    character: page.pin,
    named: new Set(cards.slice(0, NAMED).map((card) => card.dataset.id)),
    // a name stands on the side where the first view has room
    side: ({ lon, lat }) => (map.latLngToContainerPoint([lat, lon]).x > map.getSize().x * 0.55 ? "left" : "right"),
    label: document.querySelector(".chip[aria-current]").textContent,
    onPick: pick,
  });
  skipWithTab();
  map.addLayer(pins.group);
  pins.settle();
  const wanted = decodeURIComponent(location.hash.slice(3));
  if (location.hash.startsWith("#p-") && pins.has(wanted)) select(wanted, { scroll: true });
}

async function drawStreets() {
  streets = streetLayer(await loadStreets(page.streets)).addTo(map);
  const close = () => {
    if (map.getZoom() < PATHS_FROM_ZOOM) return;
    map.off("zoomend", close);
    loadStreets(page.paths).then(streets.add).catch(failed);
  };
  map.on("zoomend", close);
  close();
}

function wireCards() {
  for (const card of cards) {
    // first tap: show it on the map; second: its page
    card.querySelector(".row").addEventListener("click", (event) => {
      if (card.classList.contains("selected") || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      select(card.dataset.id);
    });
  }
}

function wireTheme() {
  const button = document.getElementById("theme");
  const dark = document.getElementById("dark");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => requestAnimationFrame(() => streets?.repaint());
  button.addEventListener("click", () => {
    const theme = matchMedia(dark.media).matches ? "light" : "dark";
    dark.media = theme === "dark" ? "all" : "not all";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // storage may be forbidden: the choice then lasts for this page
    }
    repaint();
  });
  system.addEventListener("change", repaint);
  button.hidden = false;
}

wireTheme();
makeChooser();
document.querySelector(".chip[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
if (map) {
  wireCards();
  firstView();
  markCentre();
  makeLocator(map, { say, bbox: lonlat(page.bbox), padding });
  await Promise.all([drawPins().catch(failed), drawStreets().catch(failed)]);
}
document.documentElement.dataset.ready = "yes";
