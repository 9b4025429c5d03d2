/*
The questions, asked of one profile's streets: geo_service/finder/finder.py with engine/stops.py and reach.py.

A router holds the streets as the searches want them; a table holds the places of a layer as they hang on those streets.
Both are made once, and a question writes on what they hold. Over a city in tiles only what the loaded tiles prove is said: a
search stops at the first node whose links are not all loaded, and nothing unloaded can undercut what it found by then.
*/

import { OPEN, UNKNOWN, isDoubted, isStale, kindAt } from "./hours.js";
import { advance, advanceLed, begin, buildWork, end, hang, layStreets, roomForEnds } from "./search.js";
import { NONE, SNAP_LIMIT_M, buildGround, roomForSnaps, snapPoint } from "./snap.js";
import { provesSnap, tilesAtBorder, tilesInBox } from "./tiles.js";

const HORIZON_MS = 2 * 86400_000; // arrivals later than this after departure are not judged open
const ANY = Infinity;

/** Why a question is not answered: `code`, and what that code names (phone.js). */
export class Refusal extends Error {
  /**
   * @param {string} code - one of those in phone.js
   * @param {object} facts - what it names
   */
  constructor(code, facts = {}) {
    super(`${code} ${JSON.stringify(facts)}`);
    Object.assign(this, { name: "Refusal", code }, facts);
  }
}

/**
 * Lay out the streets of one profile for questions.
 * @param {object} network - of pack.js
 * @param {?object} tiles - {grid, files, covers} as of pack.js, if the network comes in tiles; null if it is whole
 * @param {number} room - places of the largest layer
 * @returns {object} router
 */
export function buildRouter(network, tiles, room) {
  const streets = layStreets(network);
  const point = () => ({ snaps: roomForSnaps(1), left: roomForEnds(1), arrived: roomForEnds(1) });
  return {
    network, tiles, ground: buildGround(network),
    out: buildWork(streets.forward, room + 1), back: buildWork(streets.backward, room + 1),
    here: point(), there: point(),
  };
}

/**
 * Hang the places of a layer on the streets of a router.
 * @param {object} router - of buildRouter
 * @param {object[]} places - of one layer, in the order of ties
 * @returns {object} table: targets (a row more than places, for a destination), departs, and room for questions
 */
export function buildTable({ network }, places) {
  const n = places.length;
  const [targets, departs, snaps] = [roomForEnds(n + 1), roomForEnds(n), roomForSnaps(n)];
  const isAbsent = new Uint8Array(n); // stands on streets that are not loaded
  targets.node.fill(NONE);
  places.forEach((place, row) => {
    const snap = place.snap[network.profile];
    snaps.link[row] = snap ? network.linkOf(snap.link) : NONE;
    isAbsent[row] = snap && snaps.link[row] === NONE ? 1 : 0;
    for (const name of ["share", "forwardMs", "backwardMs", "gapMs", "gapMm"]) snaps[name][row] = snap ? snap[name] : NONE;
    hang(network, snaps, row, false, targets);
    hang(network, snaps, row, true, departs);
  });
  const column = () => new Float64Array(n);
  return {
    places, n, targets, departs, isAbsent, wanted: new Uint8Array(n + 1), nFitting: 0, hasAbsent: false,
    arrivalMs: column(), arrivalMm: column(), onwardMs: column(), onwardMm: column(),
  };
}

// -- what is asked --------------------------------------------------------------------------------

/** Whether a place is in use at all, and is what is wished for: `Wish.is_met` of finder/tables.py. */
function isMet(place, { services, operator, plan, voltage, network }) {
  if (place.status === "removed") return false;
  if (place.status === "paused" && place.from_s === null && place.until_s === null) return false;
  const { power } = place;
  return (
    services.every((kind) => place.services.some((service) => service.kind === kind)) &&
    (operator === null || operator === place.operator || (power !== null && operator === power.operator)) &&
    (plan === null || (power !== null && plan === power.plan)) &&
    (voltage === null || (power !== null && power.voltage_v.includes(voltage))) &&
    (network === null || network === place.network)
  );
}

/** Mark the places that a question looks for. */
function fit(table, ask) {
  table.nFitting = 0;
  table.hasAbsent = false;
  for (let row = 0; row < table.n; row++) {
    const fits = isMet(table.places[row], ask);
    table.wanted[row] = fits && !table.isAbsent[row] ? 1 : 0;
    table.nFitting += fits ? 1 : 0;
    if (fits && table.isAbsent[row]) table.hasAbsent = true;
  }
  table.wanted[table.n] = 0;
}

/** Whether a place counts for who arrives at that cost: open, or in a state that was accepted. */
function counts({ clock, atMs, services, accept }, place, costMs) {
  if (costMs >= HORIZON_MS) return false;
  const kind = kindAt(clock, place, services, atMs + costMs);
  if (kind === UNKNOWN) return accept.includes("unknown");
  if (kind !== OPEN) return false;
  return accept.includes("stale") || !(isStale(place, atMs) || isDoubted(clock, place.id, atMs + costMs));
}

/**
 * Put a point on its street, or refuse it.
 * @param {object} router - of buildRouter
 * @param {object} point - here or there of the router; filled in
 * @param {number[]} lonlat - degrees
 * @param {string} parameter - what to call it in a refusal
 */
export function snapNear(router, point, lonlat, parameter) {
  const [lon, lat] = lonlat ?? [];
  if (!(Math.abs(lon) <= 180 && Math.abs(lat) <= 90)) throw new Refusal("not_on_globe", { parameter });
  const { snaps } = point;
  snapPoint(router.ground, lon, lat, snaps, 0);
  if (router.tiles && !provesSnap(router, snaps)) {
    throw new Refusal("tiles_missing", tilesInBox(router, lon, lat, SNAP_LIMIT_M));
  }
  if (snaps.link[0] === NONE) {
    throw new Refusal("far_from_street", { parameter, gap_m: Math.round(snaps.gapM[0] * 10) / 10 });
  }
  hang(router.network, snaps, 0, true, point.left);
  hang(router.network, snaps, 0, false, point.arrived);
}

/** Refuse for want of a way, or of tiles if one might lead through those that are not loaded. */
function refuseWay(router, work, parameter) {
  if (work.border !== NONE) throw new Refusal("tiles_missing", tilesAtBorder(router, work));
  throw new Refusal("unreachable", { parameter });
}

// -- what is answered: rows of places, costs in milliseconds, lengths in millimetres -------------------

/**
 * The k nearest places that count on arrival.
 * @param {object} router - of buildRouter
 * @param {object} table - of buildTable
 * @param {object} ask - {clock, atMs, k, from, services, accept, operator, plan, voltage, network}
 * @returns {{found: object[], passed: ?object[], wants: ?object}} found: {row, costMs, lengthMm}, nearest first, equal costs by
 *   row; passed: every place that a way leads to, if found are fewer than k; wants: tiles, if more might be found with them
 */
export function nearest(router, table, ask) {
  snapNear(router, router.here, ask.from, "from");
  fit(table, ask);
  const { out } = router;
  const [found, passed] = [[], []];
  begin(out, router.here.left, 0, table.targets, table.wanted, table.hasAbsent);
  while (found.length < ask.k) {
    const row = advance(out, ANY);
    if (row === NONE) break;
    const hit = { row, costMs: out.cost[out.streets.n + row], lengthMm: out.length[out.streets.n + row] };
    passed.push(hit);
    if (counts(ask, table.places[row], hit.costMs)) found.push(hit);
  }
  end(out);
  const isFull = found.length === ask.k;
  const wants = !isFull && out.border !== NONE ? tilesAtBorder(router, out) : null;
  if (wants && found.length === 0) throw new Refusal("tiles_missing", wants);
  return { found, passed: isFull || wants ? null : passed, wants };
}

/**
 * The k nearest places that a range reaches, by the fastest way, open on arrival.
 * @param {object} router - of buildRouter
 * @param {object} table - of buildTable
 * @param {object} ask - as of nearest, and {rangeMm, via}: greatest length, and a point to pass first or null
 * @returns {{found: object[], shortest: ?object, wants: ?object}} as of nearest; shortest: without any, the place of the
 *   shortest way among those that count
 */
export function range(router, table, ask) {
  snapNear(router, router.here, ask.from, "from");
  const { out } = router;
  let [start, beforeMs, beforeMm] = [router.here.left, 0, 0];
  if (ask.via !== null) {
    snapNear(router, router.there, ask.via, "via");
    goTo(router, "via");
    [start, beforeMs, beforeMm] = [router.there.left, out.cost[out.streets.n], out.length[out.streets.n]];
  }
  fit(table, ask);
  const found = [];
  let shortest = null;
  begin(out, start, 0, table.targets, table.wanted, table.hasAbsent);
  while (found.length < ask.k) {
    const row = advance(out, ANY);
    if (row === NONE) break;
    const item = out.streets.n + row;
    const hit = { row, costMs: out.cost[item] + beforeMs, lengthMm: out.length[item] + beforeMm };
    if (!counts(ask, table.places[row], hit.costMs)) continue;
    if (hit.lengthMm <= ask.rangeMm) found.push(hit);
    if (shortest === null || hit.lengthMm < shortest.lengthMm) shortest = hit;
  }
  end(out);
  const wants = found.length < ask.k && out.border !== NONE ? tilesAtBorder(router, out) : null;
  if (wants && found.length === 0) throw new Refusal("tiles_missing", wants);
  return { found, shortest: found.length ? null : shortest, wants };
}

/** Search from here to there; the labels of the way stay. Gives its cost. */
export function goTo(router, parameter) {
  const { out } = router;
  begin(out, router.here.left, 0, router.there.arrived, null, false);
  const isThere = advance(out, ANY) !== NONE;
  end(out);
  if (!isThere) refuseWay(router, out, parameter);
  return out.cost[out.streets.n];
}

/**
 * The k places of least added time between two points, open when one gets there.
 * First the streets are searched outwards until the destination comes off, then back from there, led by what the first search
 * found: that way places come by what they add, and the second search never leaves the surroundings of the way.
 * @param {object} router - of buildRouter
 * @param {object} table - of buildTable
 * @param {object} ask - as of nearest, and {to}
 * @returns {{directMs: number, found: object[]}} found: {row, costMs, addedMs, lengthMm} with the cost to the stop and the
 *   length by way of it, least added first, equal ones by row
 */
export function onway(router, table, ask) {
  snapNear(router, router.here, ask.from, "from");
  snapNear(router, router.there, ask.to, "to");
  fit(table, ask);
  const { out, back } = router;
  const way = beginOnway(router, table, ask);
  if (way.directMs === null) {
    end(out);
    refuseWay(router, out, "to");
  }
  begin(back, router.there.arrived, 0, table.departs, table.wanted, table.hasAbsent, out);
  const isProven = searchBack(router, table, ask, way);
  end(out);
  end(back);
  if (!isProven) throw new Refusal("tiles_missing", tilesAtBorder(router, out, back));
  return { directMs: way.directMs, found: way.best };
}

/** Search outwards until the destination comes off. */
function beginOnway({ out, here, there }, table, ask) {
  const { targets, wanted, n, arrivalMs, onwardMs } = table;
  arrivalMs.fill(ANY);
  onwardMs.fill(ANY);
  copyEnd(there.arrived, targets, n);
  wanted[n] = 1;
  const way = { directMs: null, best: [], departed: [] };
  begin(out, here.left, 0, targets, wanted, table.hasAbsent);
  while (way.directMs === null) {
    const row = advance(out, ANY);
    if (row === NONE) break;
    if (row === n) way.directMs = out.cost[out.streets.n + n];
    else arrive(out, table, ask, way, row);
  }
  return way;
}

function copyEnd(from, to, row) {
  for (const name of ["node", "edge", "ms", "mm", "turn"]) {
    to[name][2 * row] = from[name][0];
    to[name][2 * row + 1] = from[name][1];
  }
  to.gapMs[row] = from.gapMs[0];
  to.gapMm[row] = from.gapMm[0];
}

/** A place was found outwards; one that does not count then need not be found from the destination. */
function arrive(out, table, ask, way, row) {
  const costMs = out.cost[out.streets.n + row];
  table.arrivalMs[row] = costMs;
  table.arrivalMm[row] = out.length[out.streets.n + row];
  if (!counts(ask, table.places[row], costMs)) table.wanted[row] = 0;
  else if (table.onwardMs[row] !== ANY) rank(table, ask.k, way, row);
}

/** A place was found from the destination back. */
function depart(back, table, ask, way, row) {
  table.onwardMs[row] = back.cost[back.streets.n + row];
  table.onwardMm[row] = back.length[back.streets.n + row];
  if (table.arrivalMs[row] === ANY) way.departed.push(row);
  else if (table.wanted[row]) rank(table, ask.k, way, row);
}

/** Both costs of a place are known: it takes its place among the best k. */
function rank({ arrivalMs, arrivalMm, onwardMs, onwardMm }, k, { directMs, best }, row) {
  const addedMs = arrivalMs[row] + onwardMs[row] - directMs;
  let at = best.length;
  while (at > 0 && (best[at - 1].addedMs > addedMs || (best[at - 1].addedMs === addedMs && best[at - 1].row > row))) at--;
  if (at >= k) return;
  best.splice(at, 0, { row, costMs: arrivalMs[row], addedMs, lengthMm: arrivalMm[row] + onwardMm[row] });
  if (best.length > k) best.pop();
}

/**
 * Search back, and on outwards where that is wanted, until the best k are proven; false if that takes tiles that are not
 * loaded. A place that was not found back adds at least the radius of that search; one that was found back alone adds at
 * least what it costs on from there and the radius outwards.
 */
function searchBack({ out, back }, table, ask, way) {
  for (;;) {
    const mostMs = way.directMs + (way.best.length === ask.k ? way.best[ask.k - 1].addedMs : ANY);
    const departedMs = leastDeparted(way, table);
    const outMs = departedMs + out.radius;
    const leastMs = Math.min(back.radius, outMs);
    if (leastMs > mostMs || leastMs === ANY) return true;
    if (back.radius <= outMs) {
      if (back.border !== NONE) return false;
      const row = advanceLed(back, mostMs);
      if (row !== NONE) depart(back, table, ask, way, row);
    } else {
      if (out.border !== NONE) return false;
      const row = advance(out, mostMs - departedMs);
      if (row !== NONE) arrive(out, table, ask, way, row);
    }
  }
}

/** Least cost on from the places that only the search back has found. */
function leastDeparted(way, { arrivalMs, onwardMs }) {
  way.departed = way.departed.filter((row) => arrivalMs[row] === ANY);
  return way.departed.reduce((least, row) => Math.min(least, onwardMs[row]), ANY);
}
