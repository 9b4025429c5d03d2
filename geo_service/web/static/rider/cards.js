// Cards of answers that the phone worked out: the same words in the same order as the server's (web/cards.py, map.html).
// Names and notes are hostile: they are set as text, never as markup.

import { ageWords, clockWords, english, fill, lengthWords, spanWords, wholeMinutes, words } from "./words.js";

const OFFERS = 4;
const OPEN_STATES = ["open", "closing_soon", "stale"];

export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== "" && child !== null && child !== undefined));
  return element;
}

const dot = () => {
  const sign = make("i", "", "·");
  sign.setAttribute("aria-hidden", "true");
  return sign;
};

function dotted(parts) {
  const known = parts.filter(Boolean);
  return known.flatMap((part, i) => (i ? [" ", dot(), " ", part] : [part]));
}

function untilClock(found, now) {
  if (found.state === "closed") return found.opens_at ? clockWords(found.opens_at, now) : "";
  return OPEN_STATES.includes(found.state) && found.open_until ? clockWords(found.open_until, now) : "";
}

function timeWords(found, now) {
  const time = untilClock(found, now);
  if (found.state === "unknown") return found.hours ? "" : words.hours_unknown;
  if (found.state === "closed") return time && fill(words.opens, { time });
  return time ? fill(words.until, { time }) : words.all_day;
}

// "open to 22:00", as the sentence above the list says it
export function untilWords(found, now) {
  const time = untilClock(found, now);
  if (found.state === "open") return time ? fill(words.sentence_open, { time }) : words.sentence_day;
  return found.state === "closing_soon" ? fill(words.sentence_soon, { time }) : words[`sentence_${found.state}`];
}

// Ways in that hold on arrival; if none does, all of them.
export function wayInWords(phone, found, arrival) {
  const holds = (way) => !way.hours || phone.state({ ...found.place, hours_at: way.hours_at }, arrival).state !== "closed";
  const holding = found.access.filter(holds);
  const ways = holding.length ? holding : found.access;
  return [...new Set(ways.map((way) => words[`access_${way.method}`]))].join(words.and);
}

function powerWords({ operator, voltage_v: volts, slots }) {
  const facts = [operator, volts.length && fill(words.volts, { n: volts.join("/") }), slots && fill(words.slots, { n: slots })];
  return facts.filter(Boolean).join(" ");
}

function offerWords(phone, found, arrival, wanted) {
  if (found.power) return powerWords(found.power);
  const s = arrival / 1000;
  const isOffered = ({ from_s: from, until_s: until }) => (from === null || from <= s) && (until === null || s < until);
  const offered = found.services.filter((one) => isOffered(one) && one.kind !== words.implied[found.layer]);
  const order = [...wanted, ...words.order];
  const rank = ({ kind }) => (order.includes(kind) ? order.indexOf(kind) : order.length);
  offered.sort((a, b) => rank(a) - rank(b));
  const named = ({ kind, price }) => {
    const name = phone.index.services[kind]?.[english ? "en" : "zh"] ?? kind;
    return price ? `${name} ${price}` : name;
  };
  const more = offered.length > OFFERS ? [`+${offered.length - OFFERS}`] : [];
  return [...offered.slice(0, OFFERS).map(named), ...more].join(english ? ", " : " ");
}

function doubtWords({ claim, n_said: n, last_at: last }, now) {
  const minutes = Math.floor((now - Date.parse(last)) / 60_000);
  const ago =
    minutes < 1 ? words.spot_just_now
    : minutes < 60 ? fill(words.spot_minutes_ago, { n: minutes })
    : minutes < 2880 ? fill(words.spot_hours_ago, { n: Math.floor(minutes / 60) })
    : fill(words.spot_days_ago, { n: Math.floor(minutes / 1440) });
  return fill(words[`spot_against_${claim}`], { n, ago });
}

function facts(parts, className = "facts") {
  const known = parts.filter(Boolean);
  return known.length ? make("span", className, ...dotted(known)) : null;
}

function row(phone, found, rider, now) {
  const arrival = now + (found.cost_ms ?? 0);
  const badge = make("i", "badge", phone.index.layers.find(({ key }) => key === found.layer)?.pin ?? "");
  badge.setAttribute("aria-hidden", "true");
  const name = make("span", "name", badge, found.name);
  if (english) name.lang = "zh-CN";
  const way = wayInWords(phone, found, arrival);
  const age = ageWords(found.checked_on, now);
  const offers = offerWords(phone, found, arrival, rider.kinds);
  const length = "length_m" in found ? lengthWords(found.length_m) : "";
  const link = make(
    "a",
    "row",
    name,
    facts([make("b", `state ${found.state}`, words[found.state]), timeWords(found, now), found.assumed && words.assumed, length]),
    facts([way && make("b", "way", way), age && make("span", "age", age)]),
    offers && make("span", "facts offers", offers),
    ...found.doubts.map((doubt) => make("span", "facts doubt", doubtWords(doubt, now))),
  );
  link.href = `${rider.base}p/${encodeURIComponent(found.id)}${rider.langQuery ? `?${rider.langQuery}` : ""}`;
  return link;
}

function costWords(found) {
  if ("added_s" in found) return make("span", "minutes added", spanWords(found.added_s, "plus"));
  return found.cost_s === undefined ? "" : make("span", "minutes", String(wholeMinutes(found.cost_s)), make("small", "", words.minute));
}

/** A card: of a result, or of a place on its own. */
export function makeCard(phone, found, rider, now, tag = "li") {
  const go = make("button", "go", words.navigate);
  go.type = "button";
  go.dataset.navigate = found.id;
  go.setAttribute("aria-label", fill(words.navigate_to, { name: found.name }));
  const link = row(phone, found, rider, now);
  const more = make("a", "more", `${words.details} ›`);
  more.href = link.href;
  const card = make(tag, `card c-${found.layer}`, link, costWords(found), go, more);
  card.id = `p-${found.id}`;
  card.dataset.id = found.id;
  card.dataset.lonlat = `${found.lon},${found.lat}`;
  return card;
}

/** A place of the pack as if it had been asked for: with its state now, without a way. */
export function asFound(phone, place, now) {
  return { ...place, place, doubts: [], ...phone.state(place, now) };
}
