// A question and its answer: asks the engine on the phone, draws the list, the sentence, the pins. Fetched with the first question.
// The position goes from here to the engine and nowhere else.

import { setTemplates } from "../links/chooser.js";
import { openPhone } from "../phone/phone.js";
import { asFound, make, makeCard, untilWords } from "./cards.js";
import { holdTiles, load } from "./keep.js";
import { clockWords, english, fill, lengthWords, roundWords, spanWords, wholeMinutes, words } from "./words.js";

const LISTED = 24;
const STOPS = 3;
const OLD_MS = 60_000;

let opening = null;
let turn = 0;
let asked = 0;

/** The engine, with places and without streets yet. */
export function openFor(rider) {
  rider.navigable ??= (button) => navigable(rider, button);
  rider.load = load; // tiles too come by way of it from now on
  opening ??= openPhone({ base: rider.base, load }).then(
    (phone) => {
      setTemplates(phone.index.apps);
      return phone;
    },
    (error) => {
      opening = null;
      throw error;
    },
  );
  return opening;
}

const layerWords = (phone, key) => {
  const layer = phone.index.layers.find((one) => one.key === key);
  return english ? layer.en.toLowerCase() : layer.zh;
};
const inLayer = (phone, key) => phone.places.filter((place) => place.layer === key);
const hasPower = (key) => "power" in (document.querySelector(`.layers [data-key="${CSS.escape(key)}"]`)?.dataset ?? {});

// --- the question -------------------------------------------------------------------------

function kindOf(rider) {
  if (rider.battery && hasPower(rider.layer)) return "range";
  return rider.to ? "onway" : "nearest";
}

function put(phone, rider, at) {
  const kind = kindOf(rider);
  const { operator, plan, voltage, range_m, reserve_m, via } = rider.battery ?? {};
  const wish = { services: rider.kinds, accept: ["unknown", "stale"] };
  const question = { from: rider.from?.lonlat ?? rider.centre, layer: rider.layer, profile: rider.profile, at, ...wish };
  if (kind === "nearest") return phone.nearest({ ...question, k: LISTED });
  if (kind === "onway") return phone.onway({ ...question, to: rider.to.lonlat, k: STOPS });
  const limits = { operator, plan, voltage, range_m, reserve_m, via: via && rider.to ? rider.to.lonlat : null };
  return phone.range({ ...question, ...limits, k: LISTED });
}

const FAILURES = ["far_from_street", "unreachable", "tiles_missing"];
export const failureWords = (code) => words[`failed_${FAILURES.includes(code) ? code : "other"}`];

/**
 * Change the journey, ask, and draw what comes of it.
 * @param {object} rider - the page's state, see app.js
 * @param {object} change - layer, kind (a service, to switch), from, to, battery; none asks again
 * @returns {Promise<void>} throws if the pack cannot be had: the journey is then as it was
 */
export async function ask(rider, change = {}) {
  const mine = ++turn;
  const before = { layer: rider.layer, kinds: rider.kinds, from: rider.from, to: rider.to, battery: rider.battery };
  apply(rider, change);
  document.querySelector(".cards").classList.add("old");
  try {
    const phone = await openFor(rider);
    await phone.ready(rider.profile);
    if (isTiled(phone, rider)) await phone.look(boxOf(rider.map));
    if (mine !== turn) return;
    rider.say("");
    asked = Date.now();
    const answer = put(phone, rider, asked);
    const mayMove = await mayMoveMap(phone, rider);
    if (mine === turn) draw(phone, rider, answer, mayMove);
  } catch (error) {
    Object.assign(rider, before);
    if (!error.code || error instanceof DOMException) throw error;
    rider.say(failureWords(error.code));
    label(rider);
  } finally {
    if (mine === turn) document.querySelector(".cards").classList.remove("old");
  }
}

function apply(rider, { layer, kind, ...rest }) {
  if (layer && layer !== rider.layer) Object.assign(rider, { layer, kinds: [] });
  if (kind) rider.kinds = rider.kinds.includes(kind) ? rider.kinds.filter((one) => one !== kind) : [...rider.kinds, kind];
  Object.assign(rider, rest);
}

const isTiled = (phone, rider) => Boolean(phone.index.profiles.find(({ id }) => id === rider.profile)?.tiles);

function boxOf(map) {
  const bounds = map.getBounds();
  return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
}

// Which tiles of the ground are asked for must not tell where the rider is: first the whole set begins to come.
async function mayMoveMap(phone, rider) {
  return rider.from || rider.to ? holdTiles(phone.index) : true;
}

// --- the answer ---------------------------------------------------------------------------

function draw(phone, rider, answer, mayMove) {
  const now = asked;
  const kind = kindOf(rider);
  const list = document.querySelector(".cards");
  rider.found = new Map(answer.results.map((found) => [found.id, found.place]));
  list.replaceChildren(...answer.results.map((found) => makeCard(phone, found, rider, now)));
  if (!answer.results.length) list.append(...emptied(phone, rider, answer, kind, now));
  rider.chosen.hidden = true;
  document.getElementById("heading").textContent = sentence(phone, rider, answer, kind, now);
  const count = document.getElementById("count");
  count.textContent = counted(phone, rider, answer, kind);
  count.hidden = !count.textContent;
  document.body.className = `rider c-${rider.layer}`;
  label(rider);
  chips(phone, rider);
  address(rider);
  drawMap(phone, rider, answer, mayMove);
  rider.list.scrollTop = 0;
}

function drawMap(phone, rider, answer, mayMove) {
  const { pin, zh, en } = phone.index.layers.find(({ key }) => key === rider.layer);
  const ids = answer.results.map(({ id }) => id);
  rider.view.drawPins(inLayer(phone, rider.layer), { character: pin, label: english ? en : zh, ids });
  rider.view.mark("centre", rider.from ? null : rider.centre, words.centre);
  rider.view.mark("me", rider.from?.lonlat, rider.from?.name);
  rider.view.mark("goal", rider.to?.lonlat, rider.to?.name);
  if (!mayMove) return;
  const here = rider.from?.lonlat ?? rider.centre;
  const near = answer.results.map(({ lon, lat }) => [lon, lat]);
  if (rider.to) rider.view.fit(here, [rider.to.lonlat, ...near], { all: true, animate: true });
  else rider.view.fit(here, near, { animate: true });
}

function sentence(phone, rider, answer, kind, now) {
  const [first] = answer.results;
  const layer = layerWords(phone, rider.layer);
  if (!first && kind === "range") {
    const { range_m: range, reserve_m: reserve } = rider.battery;
    const gets = answer.nearest && answer.nearest.length_m <= range;
    return fill(gets ? words.none_reserve : words.none_range, { layer, reserve: roundWords(reserve) });
  }
  if (!first) return fill(words.none_listed, { layer });
  const near =
    kind === "onway"
      ? fill(words.sentence_onway, { layer, added: spanWords(first.added_s, "for") })
      : fill(rider.profile === "ebike" ? words.sentence_ebike : words.sentence_walk, { layer, n: wholeMinutes(first.cost_s) });
  const text = near + words.comma + untilWords(first, now);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function counted(phone, rider, answer, kind) {
  if (kind === "onway") return fill(words.count_onway, { n: wholeMinutes(answer.direct_cost_s) });
  const { results, shortfall } = answer;
  if (kind === "range") {
    const reserve = roundWords(rider.battery.reserve_m);
    return results.length ? fill(words.count_range, { count: results.length, reserve }) : "";
  }
  const by = rider.profile === "ebike" ? words.by_ride : words.by_walk;
  const parts = [fill(by, { count: inLayer(phone, rider.layer).length })];
  const { states = {}, unreachable, filtered_out: filtered } = shortfall ?? {};
  if (filtered) parts.push(fill(words.filtered, { n: filtered }));
  if (states.closed) parts.push(fill(words.more_closed, { n: states.closed }));
  if (unreachable) parts.push(fill(words.more_unreachable, { n: unreachable }));
  return parts.join(" · ");
}

function emptied(phone, rider, answer, kind, now) {
  const layer = layerWords(phone, rider.layer);
  if (kind === "range") return nothingInRange(phone, rider, answer, layer, now);
  if (!inLayer(phone, rider.layer).length) return [make("li", "empty", words.none_here)];
  const { soonest, filtered_out: filtered, places } = answer.shortfall ?? {};
  if (filtered && filtered === places) return [make("li", "empty", fill(words.none_fits, { layer }))];
  const first = soonest ? fill(words.soonest, { time: clockWords(soonest.opens_at, now), name: soonest.name }) : "";
  return [make("li", "empty", `${words.none_open} ${first}`)];
}

function nothingInRange(phone, rider, { nearest }, layer, now) {
  if (!nearest) return [make("li", "empty", fill(words.none_fits, { layer }))];
  const { range_m, reserve_m, via } = rider.battery;
  const gaps = { name: nearest.name, range: roundWords(range_m), reserve: roundWords(reserve_m), length: lengthWords(nearest.length_m) };
  const gets = nearest.length_m <= range_m;
  const beyond = via && rider.to ? words.none_range_via : words.none_range_why;
  const why = fill(gets ? words.none_reserve_why : beyond, { ...gaps, left: lengthWords(range_m - nearest.length_m) });
  rider.found.set(nearest.id, nearest.place);
  const card = makeCard(phone, nearest, rider, now);
  card.classList.add("beyond");
  card.querySelector(".facts").prepend(make("b", "state", gets ? words.spent : words.beyond), " · ");
  return [make("li", "empty", why), card];
}

// --- what the page says of the journey ----------------------------------------------------

function leg(id, text, isSet) {
  const button = document.getElementById(id);
  button.querySelector("span").textContent = text;
  button.classList.toggle("set", isSet);
}

/** The buttons of the journey, as it is now. */
export function label(rider) {
  leg("from", rider.from ? fill(words.from, { name: rider.from.name }) : words.from_centre, Boolean(rider.from));
  leg("to", rider.to ? fill(words.to, { name: rider.to.name }) : words.to_ask, Boolean(rider.to));
  const { battery } = rider;
  leg("battery", battery ? fill(words.battery, { n: battery.range_m / 1000 }) : words.battery_ask, Boolean(battery));
  document.getElementById("battery").hidden = !hasPower(rider.layer);
  if (!hasPower(rider.layer)) document.getElementById("battery-panel").hidden = true;
}

function query(pairs) {
  const known = pairs.filter(Boolean);
  return known.length ? `?${known.join("&")}` : "";
}

function chips(phone, rider) {
  for (const chip of document.querySelectorAll(".layers .chip")) {
    if (chip.dataset.key === rider.layer) chip.setAttribute("aria-current", "page");
    else chip.removeAttribute("aria-current");
  }
  const held = new Set(inLayer(phone, rider.layer).flatMap((place) => place.services.map(({ kind }) => kind)));
  held.delete(words.implied[rider.layer]);
  const known = Object.keys(phone.index.services);
  const order = [...words.order, ...known.filter((kind) => !words.order.includes(kind))];
  const nav = document.querySelector(".kinds");
  nav.replaceChildren(
    ...order.filter((kind) => held.has(kind) && known.includes(kind)).map((kind) => {
      const chip = make("a", "chip kind", phone.index.services[kind][english ? "en" : "zh"]);
      const isOn = rider.kinds.includes(kind);
      const wanted = isOn ? rider.kinds.filter((one) => one !== kind) : [...rider.kinds, kind];
      chip.href = rider.base + query([`layer=${rider.layer}`, wanted.length && `service=${wanted.join(",")}`, rider.langQuery]);
      chip.dataset.kind = kind;
      if (isOn) chip.setAttribute("aria-current", "true");
      return chip;
    }),
  );
  nav.hidden = !nav.children.length;
}

// The layer stays with a reload, a bookmark and the other language; the journey stays on the phone.
function address(rider) {
  const wanted = rider.kinds.length && `service=${rider.kinds.join(",")}`;
  history.replaceState(history.state, "", rider.base + query([`layer=${rider.layer}`, wanted, rider.langQuery]));
  const other = document.querySelector(".language");
  other.href = rider.base + query([`layer=${rider.layer}`, wanted, `lang=${english ? "zh" : "en"}`]);
}

/** A place that is not in the list, as a card above it. */
export async function showPlace(rider, id) {
  const phone = await openFor(rider);
  const place = phone.place(id);
  if (!place) return;
  if (place.layer !== rider.layer) await ask(rider, { layer: place.layer });
  if (rider.found?.has(id) && document.querySelector(`.cards [data-id="${CSS.escape(id)}"]`)) return;
  (rider.found ??= new Map()).set(id, place);
  rider.chosen.replaceChildren(makeCard(phone, asFound(phone, place, Date.now()), rider, Date.now(), "div"));
  rider.chosen.hidden = false;
}

/** For the chooser: the place of a button of a card that was made here, and where one goes after it. */
function navigable(rider, button) {
  const place = rider.found?.get(button.dataset.navigate);
  if (!place) return null;
  const onward = rider.to && kindOf(rider) === "onway" ? { name: rider.to.name, lonlat: rider.to.lonlat } : undefined;
  return { place, onward, mode: rider.profile };
}

/** Minutes pass: a list that the phone made is worked out anew when the page is looked at again. */
export function refresh(rider) {
  if (asked && Date.now() - asked > OLD_MS) return ask(rider);
  return null;
}
