/*
How a place stands at an instant: open, closing soon, closed, unknown or stale, per door and per service.

As geo_service/finder/standing.py and hours/timeline.py say it, but instant by instant instead of line by line: what holds
at one instant is looked up in the expanded hours of the pack, and the next change is found by going from cut to cut.
Instants are milliseconds since 1970 (`Ms`) or whole seconds (`S`).
*/

export const CLOSED = 0; // kinds of hours, as in hours/syntax.py
export const OPEN = 1;
export const UNKNOWN = 2;

const DAY_S = 86400;
const SHANGHAI_S = 8 * 3600; // no summer time: every midnight is a whole number of days from another
const MONDAY_S = 4 * DAY_S - SHANGHAI_S; // a Monday's midnight in Asia/Shanghai: 5 January 1970
const CLOSING_SOON_MS = 1800_000;
const OUTLOOK_S = 14 * DAY_S; // how far ahead "opens again at" looks
const GUESSED_DAYS = 17; // how much of an ordinary week is laid out at once, beyond the pack's hours

/**
 * What is known of the hours and of what is said against places.
 * @param {object} places - of loadPlaces, see pack.js
 * @param {object[]} doubts - of the index
 * @returns {object} clock, to be given to all that follows
 */
export function makeClock(places, doubts) {
  const against = new Map();
  for (const doubt of doubts ?? []) against.set(doubt.place, [...(against.get(doubt.place) ?? []), doubt]);
  return { hours: places.hours, dayS: places.day_s, untilS: places.until_s, against, guessed: new Map() };
}

/**
 * Whether the pack's two weeks do not hold an instant, so that an ordinary week speaks, or no holiday is known.
 * @param {object} clock - of makeClock
 * @param {number} atMs - the instant
 * @returns {boolean} true outside of them
 */
export function isAssumed(clock, atMs) {
  return atMs < clock.dayS * 1000 || atMs >= clock.untilS * 1000;
}

/** The line of a text that holds a second: the pack's, or an ordinary week laid out around it. */
function lineAt(clock, hoursAt, s) {
  const line = clock.hours[hoursAt];
  if (s >= clock.dayS && s < line.endS) return line;
  const midnight = s - ((s + SHANGHAI_S) % DAY_S);
  const key = hoursAt + midnight * 65536;
  const known = clock.guessed.get(key);
  if (known) return known;
  if (clock.guessed.size > 4096) clock.guessed.clear();
  const guess = layWeek(line.week, midnight);
  clock.guessed.set(key, guess);
  return guess;
}

function layWeek(week, midnight) {
  const startS = [];
  const kind = [];
  for (let day = 0; day < GUESSED_DAYS; day++) {
    const begin = midnight + day * DAY_S;
    const weekday = (((begin - MONDAY_S) / DAY_S) % 7 + 7) % 7;
    for (const [minute, what] of week[weekday]) {
      if (kind[kind.length - 1] === what) continue;
      startS.push(begin + minute * 60);
      kind.push(what);
    }
  }
  return { startS, kind, endS: midnight + GUESSED_DAYS * DAY_S };
}

/** Last stretch of a line that does not start after a second. */
function stretchAt(startS, s) {
  let low = 0;
  let high = startS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startS[middle] <= s) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const seen = { kind: CLOSED, nextS: Infinity };

/** Take one text, within its dates, into what was `seen` so far: closed if any is, else unknown if any is, else open. */
function hear(clock, hoursAt, fromS, untilS, isKeptInside, s) {
  const line = lineAt(clock, hoursAt, s);
  const i = stretchAt(line.startS, s);
  seen.nextS = Math.min(seen.nextS, i + 1 < line.startS.length ? line.startS[i + 1] : line.endS);
  if (s < clock.dayS) seen.nextS = Math.min(seen.nextS, clock.dayS);
  const kind = withinDates(line.kind[i], fromS, untilS, isKeptInside, s);
  if (kind === CLOSED || seen.kind === CLOSED) seen.kind = CLOSED;
  else if (kind === UNKNOWN) seen.kind = UNKNOWN;
}

/** What is left of a kind within some dates, or outside of them; their ends are cuts. */
function withinDates(kind, fromS, untilS, isKeptInside, s) {
  if (fromS === null && untilS === null) return kind;
  if (fromS !== null && s < fromS) seen.nextS = Math.min(seen.nextS, fromS);
  if (untilS !== null && s < untilS) seen.nextS = Math.min(seen.nextS, untilS);
  const isInside = (fromS === null || fromS <= s) && (untilS === null || s < untilS);
  return isInside === isKeptInside ? kind : CLOSED;
}

/** Kind of the door, or of all the services asked for, in a second, and a bound of its next change, into `seen`. */
function look(clock, place, services, s) {
  seen.kind = OPEN;
  seen.nextS = Infinity;
  if (services.length === 0) hear(clock, place.hours_at, null, null, true, s);
  else {
    for (const service of place.services) {
      if (services.includes(service.kind)) hear(clock, service.hours_at, service.from_s, service.until_s, true, s);
    }
  }
  seen.kind = withinDates(seen.kind, place.from_s, place.until_s, place.status === "active", s);
}

/**
 * Kind of the hours at an instant, whatever their age.
 * @param {object} clock - of makeClock
 * @param {object} place - of the pack
 * @param {string[]} services - kinds of service that must all be on offer; the door if none
 * @param {number} atMs - the instant
 * @returns {number} CLOSED, OPEN or UNKNOWN
 */
export function kindAt(clock, place, services, atMs) {
  look(clock, place, services, Math.floor(atMs / 1000));
  return seen.kind;
}

/**
 * Whether somebody on the spot speaks against a place's "open".
 * @param {object} clock - of makeClock
 * @param {string} id - of the place
 * @param {number} atMs - the instant
 * @returns {boolean} true within a span
 */
export function isDoubted(clock, id, atMs) {
  const spans = clock.against.get(id);
  return spans !== undefined && spans.some((span) => span.begin_s * 1000 <= atMs && atMs < span.end_s * 1000);
}

/**
 * Whether facts are too old to be called open.
 * @param {object} place - of the pack
 * @param {number} atMs - the instant; its day in Asia/Shanghai counts
 * @returns {boolean} true from the midnight at which they became so
 */
export function isStale(place, atMs) {
  return place.stale_s !== null && atMs >= place.stale_s * 1000;
}

/**
 * How a place stands at an instant.
 * @param {object} clock - of makeClock
 * @param {object} place - of the pack
 * @param {string[]} services - kinds of service that must all be on offer; the door if none
 * @param {number} atMs - the instant
 * @returns {{state: string, untilS: ?number, opensS: ?number, assumed: boolean}} until when that holds, and when it opens
 *   if it is closed; null if not known within two weeks
 */
export function openingAt(clock, place, services, atMs) {
  const nowS = Math.floor(atMs / 1000);
  look(clock, place, services, nowS);
  const { kind } = seen;
  let changeS = seen.nextS;
  while (changeS < nowS + OUTLOOK_S) {
    look(clock, place, services, changeS);
    if (seen.kind !== kind) break;
    changeS = seen.nextS;
  }
  const untilS = changeS < nowS + OUTLOOK_S ? changeS : null;
  const opensS = kind === CLOSED && untilS !== null && seen.kind === OPEN ? untilS : null;
  const isOld = kind === OPEN && (isStale(place, atMs) || isDoubted(clock, place.id, atMs));
  return { state: isOld ? "stale" : stateOf(kind, untilS, atMs), untilS, opensS, assumed: isAssumed(clock, atMs) };
}

function stateOf(kind, untilS, atMs) {
  if (kind === OPEN) return untilS !== null && untilS * 1000 - atMs <= CLOSING_SOON_MS ? "closing_soon" : "open";
  return kind === CLOSED ? "closed" : "unknown";
}

/**
 * An instant as the API writes it.
 * @param {?number} s - epoch seconds
 * @returns {?string} ISO text in Asia/Shanghai
 */
export function isoTime(s) {
  return s === null ? null : `${new Date((s + SHANGHAI_S) * 1000).toISOString().slice(0, 19)}+08:00`;
}
