/*
Ways and reaches: from the labels of a search to pieces, steps, lines and stretches of street.

As geo_service/engine/path.py and reach.py, finder/steps.py, stretches.py and lines.py.
*/

import { Refusal, goTo, snapNear } from "./questions.js";
import { FOOT, advance, begin, end } from "./search.js";
import { NONE } from "./snap.js";
import { tilesAtBorder } from "./tiles.js";

const MODES = ["ride", "push", "walk"]; // network/graph.py

// -- a way from here to there ---------------------------------------------------------------------

/**
 * The fastest way between two points, among the fastest the shortest.
 * @param {object} router - of buildRouter
 * @param {number[]} from - degrees
 * @param {number[]} to - degrees
 * @returns {{costMs: number, lengthMm: number, pieces: object[], lonlat: number[][], gaps: object[]}} pieces: {edge, ms, mm};
 *   lonlat from the origin over foot, streets and foot to the destination; gaps: {ms, mm} at either end
 */
export function route(router, from, to) {
  snapNear(router, router.here, from, "from");
  snapNear(router, router.there, to, "to");
  const costMs = goTo(router, "to");
  const { out } = router;
  const way = follow(router);
  const pieces = layPieces(router, way);
  const gap = (ends) => ({ ms: ends.gapMs[0], mm: ends.gapMm[0] });
  return {
    costMs, lengthMm: out.length[out.streets.n], pieces, lonlat: drawWay(router, pieces),
    gaps: [gap(router.here.left), gap(router.there.arrived)],
  };
}

/** Follow the labels back: the slots by which both ends hang, and the whole edges between; `edge` alone if it is straight. */
function follow({ out, here, there }) {
  const { parent, via } = out;
  const goal = out.streets.n;
  if (parent[goal] === FOOT) return { straight: via[goal] };
  let item = parent[goal];
  const side = slotOf(there.arrived, item, via[goal]);
  const edges = [];
  for (; parent[item] !== FOOT; item = parent[item]) edges.push(via[item]);
  return { straight: NONE, side, slot: slotOf(here.left, item, via[item]), edges: edges.reverse() };
}

function slotOf(ends, node, edge) {
  return ends.node[0] === node && ends.edge[0] === edge ? 0 : 1;
}

/** Pieces end to end, each {edge, ms, mm, begin, end} with its shares of the link; those that are nothing are left out. */
function layPieces({ network, here, there }, { straight, side, slot, edges }) {
  const { left } = here;
  const { arrived } = there;
  const { weightMs, lengthMm, edgeLink, linkEdge } = network;
  const [leaves, comes] = [here.snaps.share[0], there.snaps.share[0]];
  const isAgainst = (edge) => linkEdge[2 * edgeLink[edge] + 1] === edge;
  if (straight !== NONE) {
    const at = left.edge[0] === straight ? 0 : 1;
    const ms = left.ms[at] + arrived.ms[at] - weightMs[straight];
    const mm = left.mm[at] + arrived.mm[at] - lengthMm[edgeLink[straight]];
    return keepSome([{ edge: straight, ms, mm, begin: leaves, end: comes }]);
  }
  const [first, last] = [left.edge[slot], arrived.edge[side]];
  const pieces = edges.map((edge) => ({
    edge, ms: weightMs[edge], mm: lengthMm[edgeLink[edge]], begin: isAgainst(edge) ? 1 : 0, end: isAgainst(edge) ? 0 : 1,
  }));
  const end = first !== NONE && isAgainst(first) ? 0 : 1;
  const begin = last !== NONE && isAgainst(last) ? 1 : 0;
  pieces.unshift({ edge: first, ms: left.ms[slot], mm: left.mm[slot], begin: leaves, end });
  pieces.push({ edge: last, ms: arrived.ms[side], mm: arrived.mm[side], begin, end: comes });
  return keepSome(pieces);
}

function keepSome(pieces) {
  return pieces.filter(({ edge, ms, begin, end }) => edge !== NONE && (begin !== end || ms !== 0));
}

/** Points of a way, degrees; joints of two pieces are written once. */
function drawWay({ network, here, there }, pieces) {
  const { linkEdge, edgeLink, firstPoint, pointLon, pointLat } = network;
  const at = (point) => [pointLon[point] / 1e6, pointLat[point] / 1e6];
  const line = [[here.snaps.lon[0], here.snaps.lat[0]], [here.snaps.footLon[0], here.snaps.footLat[0]]];
  pieces.forEach(({ edge, begin, end }, i) => {
    const link = edgeLink[edge];
    const [low, high] = pointsBetween(network, link, Math.min(begin, end), Math.max(begin, end));
    const isAlong = linkEdge[2 * link] === edge;
    for (let j = 0; j < high - low; j++) line.push(at(isAlong ? low + j : high - 1 - j));
    const isLast = i === pieces.length - 1;
    line.push(isLast ? [there.snaps.footLon[0], there.snaps.footLat[0]] : at(isAlong ? firstPoint[link + 1] - 1 : firstPoint[link]));
  });
  line.push([there.snaps.lon[0], there.snaps.lat[0]]);
  return line;
}

/** Points of a link strictly between two shares, its ends left out, as a half-open range. */
function pointsBetween({ firstPoint, alongM }, link, begin, end) {
  const last = firstPoint[link + 1] - 1;
  const total = alongM[last];
  let low = firstPoint[link] + 1;
  while (low < last && alongM[low] <= begin * total) low++;
  let high = low;
  while (high < last && alongM[high] < end * total) high++;
  return [low, high];
}

/**
 * Pieces joined by street name and mode; gaps are walked, an e-bike pushed.
 * @param {object} network - streets the way runs on
 * @param {object} way - of route
 * @returns {object[]} {name, mode, costMs, lengthMm}; they add up to the way
 */
export function routeSteps(network, way) {
  const onFoot = network.profile === "walk" ? "walk" : "push";
  const [before, after] = way.gaps.map(({ ms, mm }) => ({ name: "", mode: onFoot, ms, mm }));
  const ridden = way.pieces.map(({ edge, ms, mm }) => ({
    name: network.names[network.linkName[network.edgeLink[edge]]], mode: MODES[network.mode[edge]], ms, mm,
  }));
  const steps = [];
  for (const { name, mode, ms, mm } of [before, ...ridden, after]) {
    if (ms === 0 && mm === 0) continue;
    const last = steps[steps.length - 1];
    if (last && last.name === name && last.mode === mode) {
      last.costMs += ms;
      last.lengthMm += mm;
    } else {
      steps.push({ name, mode, costMs: ms, lengthMm: mm });
    }
  }
  return steps;
}

// -- what is within some minutes ----------------------------------------------------------------------

/**
 * Stretches of street within ever more time of a point.
 * @param {object} router - of buildRouter
 * @param {number[]} from - degrees
 * @param {number[]} cutoffsMs - greatest costs, inclusive, ascending
 * @returns {object[]} for each {cutoffMs, streetM, stretches}; stretches are columns {link, start, end}, shares of the drawn
 *   direction, disjoint, by link and along it
 */
export function reach(router, from, cutoffsMs) {
  snapNear(router, router.here, from, "from");
  const { out, network } = router;
  begin(out, router.here.left, 0, null, null, false);
  advance(out, cutoffsMs[cutoffsMs.length - 1]);
  end(out);
  if (out.border !== NONE) throw new Refusal("tiles_missing", tilesAtBorder(router, out));
  return cutoffsMs.map((cutoffMs) => {
    const stretches = reached(router, cutoffMs);
    const { link, start, end: stop } = stretches;
    let lengthMm = 0;
    for (let i = 0; i < link.length; i++) lengthMm += network.lengthMm[link[i]] * (stop[i] - start[i]);
    return { cutoffMs, streetM: lengthMm / 1000, stretches };
  });
}

/** What was reached of each link, in either direction. */
function reached(router, cutoffMs) {
  const { network, here } = router;
  const { cost } = router.out;
  const { linkCount, linkFrom, linkTo, linkId } = network;
  const stretches = { link: [], start: [], end: [] };
  for (let link = 0; link < linkCount; link++) {
    if (link === here.snaps.link[0]) {
      merge(link, linkId[link], ownParts(router, link, cutoffMs), stretches);
      continue;
    }
    const [fromMs, toMs] = [cost[linkFrom[link]], cost[linkTo[link]]];
    if (fromMs > cutoffMs && toMs > cutoffMs) continue;
    const stop = shareWithin(network, link, 0, cutoffMs - fromMs);
    const start = 1 - shareWithin(network, link, 1, cutoffMs - toMs);
    // the sums are those of the server, which lays links two apart on one line
    const isOne = stop > 0 && start < 1 && !(start + 2 * linkId[link] > stop + 2 * linkId[link]);
    if (stop > 0) keep(stretches, link, 0, isOne ? 1 : stop);
    if (start < 1 && !isOne) keep(stretches, link, start, 1);
  }
  return stretches;
}

function keep({ link, start, end: stop }, which, from, to) {
  link.push(which);
  start.push(from);
  stop.push(to);
}

/** How far along an edge one gets from its tail; 0 without that edge. A delay is paid at the head only. */
function shareWithin({ linkEdge, weightMs, delayMs }, link, slot, leftMs) {
  const edge = linkEdge[2 * link + slot];
  if (edge === NONE || leftMs < 0) return 0;
  const travelMs = weightMs[edge] - delayMs[edge];
  return leftMs >= travelMs ? 1 : leftMs / Math.max(travelMs, 1);
}

/** Parts of the link on which the foot point stands: from the nodes at its ends, and from the foot, either way. */
function ownParts({ network, out, here }, link, cutoffMs) {
  const { linkEdge, linkFrom, linkTo } = network;
  const { share, gapMs, forwardMs, backwardMs } = here.snaps;
  const parts = [];
  for (let slot = 0; slot < 2; slot++) {
    if (linkEdge[2 * link + slot] === NONE) continue;
    const add = (start, stop) => stop > start && parts.push(slot === 0 ? [start, stop] : [1 - stop, 1 - start]);
    const ownShare = slot === 0 ? share[0] : 1 - share[0];
    const tailMs = out.cost[slot === 0 ? linkFrom[link] : linkTo[link]];
    if (tailMs <= cutoffMs && ownShare !== 0) add(0, shareWithin(network, link, slot, cutoffMs - tailMs));
    const inMs = slot === 0 ? forwardMs[0] : backwardMs[0];
    if (gapMs[0] <= cutoffMs) add(ownShare, shareWithin(network, link, slot, cutoffMs - gapMs[0] + inMs));
  }
  return parts;
}

/** Join parts of one link that touch or overlap. */
function merge(link, id, parts, stretches) {
  parts = parts.filter(([start, stop]) => stop > start).sort((a, b) => a[0] - b[0]);
  let far = -Infinity;
  let longest = 0;
  parts.forEach(([start, stop]) => {
    longest = start + 2 * id > far ? stop : Math.max(longest, stop);
    if (start + 2 * id > far) keep(stretches, link, start, stop);
    else stretches.end[stretches.end.length - 1] = longest;
    far = Math.max(far, stop + 2 * id);
  });
}

/**
 * Stretches as lines, cut by length along the street.
 * @param {object} network - streets
 * @param {object} stretches - of reach
 * @returns {number[][][]} coordinates of a MultiLineString, degrees
 */
export function drawStretches(network, { link, start, end: stop }) {
  return link.map((which, i) => {
    const [low, high] = pointsBetween(network, which, start[i], stop[i]);
    const line = [pointAlong(network, which, start[i])];
    for (let point = low; point < high; point++) line.push([network.pointLon[point] / 1e6, network.pointLat[point] / 1e6]);
    line.push(pointAlong(network, which, stop[i]));
    return line;
  });
}

/** The point at a share of a link, degrees to seven decimals. */
function pointAlong({ firstPoint, alongM, pointLon, pointLat }, link, share) {
  const last = firstPoint[link + 1] - 1;
  const m = share * alongM[last];
  let i = firstPoint[link];
  while (i + 1 < last && alongM[i + 1] < m) i++;
  const span = alongM[i + 1] - alongM[i];
  const t = span > 0 ? Math.min((m - alongM[i]) / span, 1) : 0;
  const at = (values) => Math.round((values[i] + t * (values[i + 1] - values[i])) * 10) / 1e7;
  return [at(pointLon), at(pointLat)];
}
