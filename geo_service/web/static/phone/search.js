/*
The search behind every question: Dijkstra from the foot point of a source, as geo_service/engine/dijkstra.py.

Facilities are nodes of their own, hung onto the nodes of their links for one search. Nodes are numbered 0..n - 1,
facilities n + f. A facility comes off when nothing reaches it sooner, nor as soon by a shorter way, and equal costs come in
the order of facilities. Of labels the cheaper wins, then the shorter, then the lower edge.

The server's queue is a heap; here it is a ring of buckets two seconds wide, which takes a third of the time. Within a bucket
items are taken in any order, and again if their label got better: when it is empty its labels are final, and the
facilities in it come off sorted. Whichever queue, the labels are the same.

Costs are whole milliseconds and lengths whole millimetres, below 2^31: 24 days and 2147 km, eight and four times what the
server's index takes; what would cost more counts as unreached.
*/

import { NONE, SNAP_LIMIT_M } from "./snap.js";

export const FOOT = -2; // parent of a label that starts at the foot point of the source; not NONE, which is no edge
const TO = 0; // columns of an arc: node at the other end, weight, length, edge
const MS = 1;
const MM = 2;
const EDGE = 3;
const ARC = 4;
const BUCKET_MS = 2048; // width of a bucket: most edges lead out of the one they start in
export const UNREACHED = 2 ** 31 - 1; // greater than every cost


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
  // entries lie at most so far ahead of the bucket in hand: an edge and the gaps at both ends
  const aheadMs = weightMs.reduce((most, ms) => Math.max(most, ms), 0) + 2 * SNAP_LIMIT_M * network.gapMsPerM;
  const both = { n, m, edgeMs: weightMs, edgeMm, isWhole: network.nodeIsWhole, aheadMs };
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
 * @returns {object} workspace; `cost` (UNREACHED or milliseconds), `length`, `parent`, `via` are labels of nodes and facilities
 */
export function buildWork(streets, room) {
  const items = streets.n + room;
  const ring = 2 ** Math.ceil(Math.log2(streets.aheadMs / BUCKET_MS + 2));
  const column = (length) => new Int32Array(length).fill(NONE);
  return {
    streets, room, n: streets.n,
    cost: column(items), length: column(items), parent: column(items), via: column(items),
    // each item stands in one bucket at most, in a list
    head: column(ring), next: column(items), before: column(items), slot: column(items), nQueued: 0, bucket: 0,
    hook: column(streets.n), hookNext: column(2 * room),
    ready: column(room), isReady: new Uint8Array(room), nReady: 0, nTaken: 0,
    targets: null, lead: null, leadCapMs: 0, nHung: 0, nSeen: 0, radius: 0, border: NONE, borderAt: NONE, borderMs: Infinity,
  };
}

/** What an item is ordered by: its cost, with what a led search knows of the rest of its way. */
function keyOf({ lead, leadCapMs, cost }, item) {
  if (lead === null) return cost[item];
  return cost[item] + (lead[item] < leadCapMs ? lead[item] : leadCapMs);
}

/** Put an item into the bucket of its label, out of the one it may stand in; beyond the ring into the last one. */
function queue(work, item) {
  const { head, next, before, slot, bucket } = work;
  const ahead = Math.floor(keyOf(work, item) / BUCKET_MS) - bucket;
  const to = (bucket + (ahead < head.length ? ahead : head.length - 1)) & (head.length - 1);
  const from = slot[item];
  if (from === to) return;
  if (from === NONE) work.nQueued++;
  else {
    if (before[item] === NONE) head[from] = next[item];
    else next[before[item]] = next[item];
    if (next[item] !== NONE) before[next[item]] = before[item];
  }
  const first = head[to];
  next[item] = first;
  before[item] = NONE;
  if (first !== NONE) before[first] = item;
  head[to] = item;
  slot[item] = to;
}

/**
 * Offer a label. One that was taken in this bucket and gets better is taken again: what it led to gets better, too.
 * A lower edge alone changes nothing for others.
 */
function offer(work, item, cost, length, parent, via) {
  const old = work.cost[item];
  if (cost > old || cost >= UNREACHED) return;
  if (cost === old && (length > work.length[item] || (length === work.length[item] && via >= work.via[item]))) return;
  const isBetter = cost !== old || length !== work.length[item];
  work.cost[item] = cost;
  work.length[item] = length;
  work.parent[item] = parent;
  work.via[item] = via;
  if (isBetter) queue(work, item);
}

/**
 * Begin a search.
 * @param {object} work - of `buildWork`
 * @param {object} sources - ends, hung on the side this direction leaves by
 * @param {number} row - which of them
 * @param {?object} targets - ends hung on the other side, at most `room`; null to label nodes only
 * @param {?Uint8Array} wanted - which targets are looked for; all if null
 * @param {boolean} isEndless - go on when all are found: there are others, on streets that are not loaded
 * @param {?object} [leader] - a search in the other direction; then go first where its cost and this one's add up to least
 */
export function begin(work, sources, row, targets, wanted, isEndless, leader = null) {
  work.lead = leader && leader.cost;
  work.leadCapMs = leader && Math.min(leader.bucket * BUCKET_MS, leader.borderMs);
  work.cost.fill(UNREACHED);
  if (work.nQueued > 0) {
    work.head.fill(NONE);
    work.slot.fill(NONE);
  }
  work.isReady.fill(0);
  work.nQueued = work.bucket = work.nReady = work.nTaken = work.nSeen = work.nHung = work.radius = 0;
  work.border = work.borderAt = NONE;
  work.borderMs = Infinity;
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
  for (;;) {
    const aheadMs = work.nTaken < work.nReady ? work.cost[work.n + work.ready[work.nTaken]] : Infinity;
    const leastMs = Math.min(aheadMs, work.borderMs, work.bucket * BUCKET_MS);
    if (aheadMs < work.borderMs && aheadMs <= cutoffMs) {
      work.nSeen++;
      work.radius = aheadMs;
      return work.ready[work.nTaken++];
    }
    if (work.nSeen >= work.nHung || (work.nQueued === 0 && aheadMs === Infinity && work.borderAt === NONE)) {
      work.radius = Infinity;
      return NONE;
    }
    if (leastMs > cutoffMs) {
      work.radius = cutoffMs + 1;
      return NONE;
    }
    if (work.borderAt !== NONE && work.borderMs <= cutoffMs) {
      work.border = work.borderAt;
      work.radius = work.borderMs;
      return NONE;
    }
    settle(work);
  }
}

/**
 * Go on to any next facility of a led search. Ordered by cost and lead together, it goes through facilities by the length of
 * the whole way by them, in steps of a bucket: the lead is never more than what is left, nor does it fall faster than costs rise.
 * @param {object} work - begun with a leader
 * @param {number} cutoffMs - greatest sum of both costs that counts, inclusive
 * @returns {number} as of `advance`; `radius` bounds the sum
 */
export function advanceLed(work, cutoffMs) {
  for (;;) {
    const row = work.nTaken < work.nReady ? work.ready[work.nTaken] : NONE;
    if (row !== NONE && keyOf(work, work.n + row) < work.borderMs) {
      work.nTaken++;
      work.nSeen++;
      return row;
    }
    work.radius = Math.min(work.bucket * BUCKET_MS, work.borderMs);
    if (work.borderAt !== NONE) {
      if (work.radius <= cutoffMs) work.border = work.borderAt;
      return NONE;
    }
    if (work.nSeen >= work.nHung || work.nQueued === 0) work.radius = Infinity;
    if (work.radius > cutoffMs || work.radius === Infinity) return NONE;
    settle(work);
  }
}

/** Take all items of the bucket in hand, until none comes back to it; its facilities are sorted then. */
function settle(work) {
  const { cost, length, parent, via, head, next, before, slot, hook: hooks, n, lead } = work;
  const { first, arc, isWhole } = work.streets;
  const at = work.bucket & (head.length - 1);
  for (let item = head[at]; item !== NONE; item = head[at]) {
    head[at] = next[item];
    if (next[item] !== NONE) before[next[item]] = NONE;
    slot[item] = NONE;
    work.nQueued--;
    if (lead !== null && keyOf(work, item) >= (work.bucket + 1) * BUCKET_MS) {
      queue(work, item); // it lay beyond the ring
      continue;
    }
    const ms = cost[item];
    if (item >= n) {
      if (!work.isReady[item - n]) work.ready[work.nReady++] = item - n;
      work.isReady[item - n] = 1;
      continue;
    }
    if (!isWhole[item]) {
      if (keyOf(work, item) < work.borderMs) {
        work.borderMs = keyOf(work, item);
        work.borderAt = item;
      }
      continue;
    }
    const mm = length[item];
    for (let a = ARC * first[item]; a < ARC * first[item + 1]; a += ARC) {
      // `offer`, written out: most of a search is spent here
      const to = arc[a + TO];
      const toMs = ms + arc[a + MS];
      const old = cost[to];
      if (toMs > old || toMs >= UNREACHED) continue;
      const toMm = mm + arc[a + MM];
      const isBetter = toMs !== old || toMm < length[to];
      if (!isBetter && (toMm > length[to] || arc[a + EDGE] >= via[to])) continue;
      cost[to] = toMs;
      length[to] = toMm;
      parent[to] = item;
      via[to] = arc[a + EDGE];
      if (isBetter) queue(work, to);
    }
    if (hooks[item] !== NONE) meet(work, item, ms, mm);
  }
  work.bucket++;
  sortReady(work);
}

/** Facilities of the bucket by cost, then by number. */
function sortReady({ ready, nTaken, nReady, cost, n }) {
  for (let i = nTaken + 1; i < nReady; i++) {
    const row = ready[i];
    const ms = cost[n + row];
    let at = i;
    for (; at > nTaken; at--) {
      const above = ready[at - 1];
      if (cost[n + above] < ms || (cost[n + above] === ms && above < row)) break;
      ready[at] = above;
    }
    ready[at] = row;
  }
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
