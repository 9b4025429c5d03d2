/*
The search behind every question: Dijkstra from the foot point of a source, as geo_service/engine/dijkstra.py.

Facilities are nodes of their own, hung onto the nodes of their links for one search. Nodes are numbered 0..n - 1,
facilities n + f; labels come off the heap by (cost, number): a facility comes off when nothing reaches it sooner, nor as
soon by a shorter way, and equal costs come in the order of facilities. Of labels the cheaper wins, then the shorter, then
the lower edge. Costs are whole milliseconds and lengths whole millimetres in doubles, exact to 2^53.
*/

import { NONE } from "./snap.js";

export const FOOT = -2; // parent of a label that starts at the foot point of the source; not NONE, which is no edge
const TO = 0; // columns of an arc: node at the other end, weight, length, edge
const MS = 1;
const MM = 2;
const EDGE = 3;
const ARC = 4;

/**
 * Edges as the two directions of search meet them.
 * @param {object} network - streets of one profile, see pack.js
 * @returns {object} n nodes; forward and backward {first, arc, near}
 */
export function layStreets(network) {
  const { nodeCount: n, edgeCount: m, firstOut, tail, head, weightMs, edgeLink, lengthMm } = network;
  const edgeMm = new Int32Array(m);
  for (let e = 0; e < m; e++) edgeMm[e] = lengthMm[edgeLink[e]];
  const write = (arc, at, to, e) => {
    arc[ARC * at + TO] = to;
    arc[ARC * at + MS] = weightMs[e];
    arc[ARC * at + MM] = edgeMm[e];
    arc[ARC * at + EDGE] = e;
  };
  const out = new Int32Array(ARC * m);
  const back = new Int32Array(ARC * m);
  const firstIn = new Int32Array(n + 1);
  for (let e = 0; e < m; e++) firstIn[head[e] + 1]++;
  for (let v = 0; v < n; v++) firstIn[v + 1] += firstIn[v];
  const next = firstIn.slice(0, n);
  for (let e = 0; e < m; e++) {
    write(out, e, head[e], e);
    write(back, next[head[e]]++, tail[e], e);
  }
  const both = { n, m, edgeMs: weightMs, edgeMm, isWhole: network.nodeIsWhole };
  return {
    ...both,
    forward: { ...both, first: firstOut, arc: out, near: tail },
    backward: { ...both, first: firstIn, arc: back, near: head },
  };
}

/**
 * Room for points as they hang on nodes, by slot: 2 * i along the edge in drawn direction, 2 * i + 1 against it.
 * @param {number} n - points
 * @returns {object} node, edge, ms, mm, turn by slot; gapMs, gapMm by point
 */
export function roomForEnds(n) {
  return {
    n, node: new Int32Array(2 * n), edge: new Int32Array(2 * n), ms: new Float64Array(2 * n),
    mm: new Float64Array(2 * n), turn: new Float64Array(2 * n), gapMs: new Float64Array(n), gapMm: new Float64Array(n),
  };
}

/**
 * Hang a point on the nodes of its link.
 * A foot with share 0 or 1 stands on a node: where the link has no edge in a direction, it is still left to, or reached
 * from, that node at no cost.
 * @param {object} network - streets
 * @param {object} snaps - points on them
 * @param {number} i - which of them
 * @param {boolean} isLeft - the point is left (an origin); else it is arrived at
 * @param {object} ends - of `roomForEnds`; row i is filled in
 */
export function hang(network, snaps, i, isLeft, ends) {
  const link = snaps.link[i];
  ends.node[2 * i] = ends.node[2 * i + 1] = NONE;
  if (link === NONE) return;
  ends.gapMs[i] = snaps.gapMs[i];
  ends.gapMm[i] = snaps.gapMm[i];
  for (let slot = 0; slot < 2; slot++) hangSlot(network, snaps, i, link, slot, isLeft, ends);
}

function hangSlot({ linkEdge, linkFrom, linkTo, lengthMm, weightMs }, snaps, i, link, slot, isLeft, ends) {
  const at = 2 * i + slot;
  const end = isLeft ? 1 - slot : slot;
  const node = end === 0 ? linkFrom[link] : linkTo[link];
  const edge = linkEdge[2 * link + slot];
  const share = snaps.share[i];
  ends.edge[at] = edge;
  if (edge === NONE) {
    ends.node[at] = share === end ? node : NONE;
    ends.ms[at] = ends.mm[at] = ends.turn[at] = 0;
    return;
  }
  const inMs = slot === 0 ? snaps.forwardMs[i] : snaps.backwardMs[i];
  const atMm = Math.floor(lengthMm[link] * share);
  const inMm = slot === 0 ? atMm : lengthMm[link] - atMm;
  const position = slot === 0 ? share : -share;
  ends.node[at] = node;
  ends.ms[at] = isLeft ? weightMs[edge] - inMs : inMs;
  ends.mm[at] = isLeft ? lengthMm[link] - inMm : inMm;
  ends.turn[at] = isLeft ? -position : position;
}

/**
 * Where one direction of search writes; made once, asked again and again.
 * @param {object} streets - one direction of `layStreets`
 * @param {number} room - most facilities of one search
 * @returns {object} workspace
 */
export function buildWork(streets, room) {
  const items = streets.n + room;
  return {
    streets, room,
    cost: new Float64Array(items), length: new Float64Array(items),
    parent: new Int32Array(items), via: new Int32Array(items),
    // an entry is pushed when a label gets cheaper: once per arc, hook and direct way, and twice at the start
    heap: new Float64Array(streets.m + 4 * room + 4), size: 0,
    scale: 2 ** Math.ceil(Math.log2(items + 1)),
    hook: new Int32Array(streets.n).fill(NONE), hookNext: new Int32Array(2 * room),
    targets: null, nHung: 0, nSeen: 0, radius: 0, border: NONE,
  };
}

/** Add an entry to the four-way heap: cost * scale + item in one double, so that equal costs come off by item. */
function push(work, cost, item) {
  const { heap } = work;
  const key = cost * work.scale + item;
  let at = work.size++;
  while (at > 0) {
    const up = (at - 1) >> 2;
    if (heap[up] <= key) break;
    heap[at] = heap[up];
    at = up;
  }
  heap[at] = key;
}

/** Take off the first entry. */
function dropFirst(work) {
  const { heap } = work;
  const size = --work.size;
  const key = heap[size];
  let at = 0;
  for (let child = 1; child < size; child = 4 * at + 1) {
    let least = child;
    const stop = child + 4 < size ? child + 4 : size;
    for (let other = child + 1; other < stop; other++) if (heap[other] < heap[least]) least = other;
    if (heap[least] >= key) break;
    heap[at] = heap[least];
    at = least;
  }
  heap[at] = key;
}

/** Offer a label. Whoever can offer an equal cost does so before the item comes off: no new entry is needed for it. */
function offer(work, item, cost, length, parent, via) {
  const old = work.cost[item];
  if (cost > old) return;
  if (cost === old) {
    if (length > work.length[item] || (length === work.length[item] && via >= work.via[item])) return;
  } else {
    push(work, cost, item);
  }
  work.cost[item] = cost;
  work.length[item] = length;
  work.parent[item] = parent;
  work.via[item] = via;
}

/**
 * Begin a search.
 * @param {object} work - of `buildWork`
 * @param {object} sources - ends, hung on the side this direction leaves by
 * @param {number} row - which of them
 * @param {?object} targets - ends hung on the other side, at most `room`; null to label nodes only
 * @param {?Uint8Array} wanted - which targets are looked for; all if null
 * @param {boolean} isEndless - go on when all are found: there are others, on streets that are not loaded
 */
export function begin(work, sources, row, targets, wanted, isEndless) {
  const n = work.streets.n;
  work.cost.fill(Infinity, 0, n + (targets ? targets.n : 0));
  work.size = work.nSeen = work.nHung = work.radius = 0;
  work.border = NONE;
  work.targets = targets;
  if (targets) hook(work, targets, wanted);
  if (targets === null || isEndless) work.nHung = Infinity;
  for (let slot = 0; slot < 2; slot++) {
    const node = sources.node[2 * row + slot];
    if (node === NONE) continue;
    const edge = sources.edge[2 * row + slot];
    const ms = sources.gapMs[row] + sources.ms[2 * row + slot];
    const mm = sources.gapMm[row] + sources.mm[2 * row + slot];
    offer(work, node, ms, mm, FOOT, edge);
    if (edge !== NONE && targets) offerStraight(work, edge, ms, mm, sources.turn[2 * row + slot]);
  }
}

function hook(work, targets, wanted) {
  const { node } = targets;
  for (let f = 0; f < targets.n; f++) {
    if (wanted && !wanted[f]) continue;
    for (let at = 2 * f; at < 2 * f + 2; at++) {
      if (node[at] === NONE) continue;
      work.hookNext[at] = work.hook[node[at]];
      work.hook[node[at]] = at;
    }
    if (node[2 * f] !== NONE || node[2 * f + 1] !== NONE) work.nHung++;
  }
}

/** Offer facilities farther along the edge on which the source stands. */
function offerStraight(work, edge, ms, mm, turn) {
  const { targets: t, streets } = work;
  for (let at = work.hook[streets.near[edge]]; at !== NONE; at = work.hookNext[at]) {
    if (t.edge[at] !== edge || turn + t.turn[at] < 0) continue;
    const f = at >> 1;
    const cost = ms + t.ms[at] - streets.edgeMs[edge] + t.gapMs[f];
    const length = mm + t.mm[at] - streets.edgeMm[edge] + t.gapMm[f];
    offer(work, streets.n + f, cost, length, FOOT, edge);
  }
}

/**
 * Go on to the next facility; labels up to it are final.
 * @param {object} work - begun
 * @param {number} cutoffMs - greatest cost that counts, inclusive
 * @returns {number} the facility, or NONE if none is left within the cutoff, or if the search came to a node that is not
 *   whole, then `border`: from there unloaded tiles might lead on. What was not found costs at least `radius`
 */
export function advance(work, cutoffMs) {
  const { heap, scale, cost, length, hook: hooks } = work;
  const { first, arc, n, isWhole } = work.streets;
  while (work.border === NONE && work.size > 0 && work.nSeen < work.nHung) {
    const key = heap[0];
    const at = Math.floor(key / scale);
    if (at > cutoffMs) {
      work.radius = cutoffMs + 1;
      return NONE;
    }
    dropFirst(work);
    const item = key - at * scale;
    if (at > cost[item]) continue;
    if (item >= n) {
      work.nSeen++;
      work.radius = at;
      return item - n;
    }
    if (!isWhole[item]) {
      work.border = item;
      work.radius = at;
      return NONE;
    }
    const mm = length[item];
    for (let a = ARC * first[item]; a < ARC * first[item + 1]; a += ARC) {
      offer(work, arc[a + TO], at + arc[a + MS], mm + arc[a + MM], item, arc[a + EDGE]);
    }
    if (hooks[item] !== NONE) meet(work, item, at, mm);
  }
  if (work.border === NONE) work.radius = Infinity;
  return NONE;
}

/** Offer the facilities that hang on a node. */
function meet(work, node, ms, mm) {
  const { targets: t, streets } = work;
  for (let at = work.hook[node]; at !== NONE; at = work.hookNext[at]) {
    const f = at >> 1;
    offer(work, streets.n + f, ms + t.ms[at] + t.gapMs[f], mm + t.mm[at] + t.gapMm[f], node, t.edge[at]);
  }
}

/** End a search: its facilities come off their nodes. Labels stay. */
export function end(work) {
  if (work.targets === null) return;
  const { node } = work.targets;
  for (let at = 0; at < 2 * work.targets.n; at++) if (node[at] !== NONE) work.hook[node[at]] = NONE;
  work.targets = null;
}
