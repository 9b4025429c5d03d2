/*
From longitude and latitude to a foot point on a link: geo_service/engine/snap.py and lines.py, operation by operation.

Only + - * /, sqrt and floor on doubles, in the server's order, so that every number is the server's, bit for bit
(docs/guide/routing.md). The grid decides only which segments are looked at, never the answer.
*/

export const NONE = -1;
export const SNAP_LIMIT_M = 300; // farthest a point may lie from its street, metres, inclusive
const NODE_M = 0.01; // a foot within a centimetre of the end of its link stands on the node
const METRIC_SPAN_E6 = 2000000; // the metric's quadratic is not followed farther than two degrees
const SLACK = 1 - 1e-9; // bounds of unseen cells shrink by this: rounding never hides an equally near segment
const CELL_M = 60; // smallest cell of the grid, metres

/**
 * Lay out what snapping reads.
 * @param {object} network - streets of one profile, see pack.js
 * @returns {object} ground: the streets, and a grid of their segments, each named by its first point
 */
export function buildGround(network) {
  const { pointLon: lon, pointLat: lat, pointLink, metric, linkCount } = network;
  const [west, east] = range(lon);
  const [south, north] = range(lat);
  const areaM2 = (east - west) * metric.lonM * (north - south) * metric.latM;
  const cellM = Math.max(CELL_M, Math.sqrt(areaM2 / (lon.length - linkCount)));
  const width = Math.ceil(cellM / metric.lonM);
  const height = Math.ceil(cellM / metric.latM);
  const nCols = Math.floor((east - west) / width) + 1;
  const nRows = Math.floor((north - south) / height) + 1;
  const grid = { west, south, width, height, nCols, nRows };
  return { network, lon, lat, pointLink, ...grid, ...sortIntoCells(network, grid) };
}

/** Each segment into every cell that its box touches; those of cell c are segment[first[c]] to segment[first[c + 1] - 1]. */
function sortIntoCells({ pointLon: lon, pointLat: lat, pointLink }, { west, south, width, height, nCols, nRows }) {
  const eachCell = (visit) => {
    for (let i = 0; i + 1 < lon.length; i++) {
      if (pointLink[i] !== pointLink[i + 1]) continue;
      const fromCol = Math.floor((Math.min(lon[i], lon[i + 1]) - west) / width);
      const toCol = Math.floor((Math.max(lon[i], lon[i + 1]) - west) / width);
      const toRow = Math.floor((Math.max(lat[i], lat[i + 1]) - south) / height);
      for (let row = Math.floor((Math.min(lat[i], lat[i + 1]) - south) / height); row <= toRow; row++) {
        for (let col = fromCol; col <= toCol; col++) visit(row * nCols + col, i);
      }
    }
  };
  const first = new Int32Array(nCols * nRows + 1);
  eachCell((cell) => first[cell + 1]++);
  for (let cell = 0; cell < nCols * nRows; cell++) first[cell + 1] += first[cell];
  const segment = new Int32Array(first[nCols * nRows]);
  const next = first.slice(0, -1);
  eachCell((cell, i) => (segment[next[cell]++] = i));
  return { first, segment };
}

function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/**
 * Room for points on the streets, in columns.
 * @param {number} n - how many
 * @returns {object} as the server's `Snaps`: link, share, forwardMs, backwardMs, footLon, footLat (degrees), gapM, gapMs, gapMm
 */
export function roomForSnaps(n) {
  const link = new Int32Array(n);
  const column = () => new Float64Array(n);
  return {
    n, link, lon: column(), lat: column(), share: column(), forwardMs: column(), backwardMs: column(),
    footLon: column(), footLat: column(), gapM: column(), gapMs: column(), gapMm: column(),
  };
}

const found = new Float64Array(2); // share along the segment nearest to the point, and the squared gap, m²

/** Share along one segment nearest to a point, and the squared gap in metres, into `found`. */
function project(lon, lat, kx, ky, px, py, point) {
  const ax = lon[point];
  const ay = lat[point];
  const bx = lon[point + 1];
  const by = lat[point + 1];
  const ux = (bx - ax) * kx;
  const uy = (by - ay) * ky;
  const wx = (px - ax) * kx;
  const wy = (py - ay) * ky;
  const q = ux * ux + uy * uy;
  let t = 0;
  if (q > 0) t = (wx * ux + wy * uy) / q;
  let ex;
  let ey;
  if (t <= 0) {
    t = 0;
    ex = wx;
    ey = wy;
  } else if (t >= 1) {
    t = 1;
    ex = (px - bx) * kx;
    ey = (py - by) * ky;
  } else {
    ex = wx - t * ux;
    ey = wy - t * uy;
  }
  found[0] = t;
  found[1] = ex * ex + ey * ey;
}

/** Squared metres that every cell outside the square of rings is away, infinite when none is left. */
function boundUnseen(ground, kx, ky, px, py, col, row, ring) {
  const { west, south, width, height, nCols, nRows } = ground;
  const outX = Math.max(west - px, px - (west + nCols * width), 0) * kx;
  const outY = Math.max(south - py, py - (south + nRows * height), 0) * ky;
  let bound = Infinity;
  if (col - ring > 0) {
    const dx = Math.max(px - (west + (col - ring) * width), 0) * kx;
    bound = Math.min(bound, dx * dx + outY * outY);
  }
  if (col + ring < nCols - 1) {
    const dx = Math.max(west + (col + ring + 1) * width - px, 0) * kx;
    bound = Math.min(bound, dx * dx + outY * outY);
  }
  if (row - ring > 0) {
    const dy = Math.max(py - (south + (row - ring) * height), 0) * ky;
    bound = Math.min(bound, dy * dy + outX * outX);
  }
  if (row + ring < nRows - 1) {
    const dy = Math.max(south + (row + ring + 1) * height - py, 0) * ky;
    bound = Math.min(bound, dy * dy + outX * outX);
  }
  return bound * SLACK;
}

const best = { point: NONE, gap2: Infinity };

/**
 * Nearest segment off the islands within the limit, else nearest at all; and its squared gap, into `best`.
 * Links are sorted by edge and points by link, so of equally near segments the lowest point is the server's.
 */
function findSegment(ground, kx, ky, px, py) {
  const { lon, lat, first, segment, nCols, nRows, pointLink } = ground;
  const { isMain } = ground.network;
  const col = Math.floor(Math.min(Math.max((px - ground.west) / ground.width, 0), nCols - 1));
  const row = Math.floor(Math.min(Math.max((py - ground.south) / ground.height, 0), nRows - 1));
  const limit2 = SNAP_LIMIT_M * SNAP_LIMIT_M;
  let main = NONE;
  let main2 = Infinity;
  let some = NONE;
  let some2 = Infinity;
  for (let ring = 0; ; ring++) {
    for (let r = Math.max(row - ring, 0); r <= Math.min(row + ring, nRows - 1); r++) {
      const step = Math.abs(r - row) === ring || ring === 0 ? 1 : 2 * ring;
      for (let c = col - ring; c <= col + ring; c += step) {
        if (c < 0 || c >= nCols) continue;
        const cell = r * nCols + c;
        for (let i = first[cell]; i < first[cell + 1]; i++) {
          const point = segment[i];
          project(lon, lat, kx, ky, px, py, point);
          const gap2 = found[1];
          if (gap2 < some2 || (gap2 === some2 && point < some)) {
            some = point;
            some2 = gap2;
          }
          if (isMain[pointLink[point]] && (gap2 < main2 || (gap2 === main2 && point < main))) {
            main = point;
            main2 = gap2;
          }
        }
      }
    }
    const bound = boundUnseen(ground, kx, ky, px, py, col, row, ring);
    const wantsMain = bound <= main2 && bound <= limit2;
    const wantsSome = main2 > limit2 && bound <= some2;
    if (bound === Infinity || !(wantsMain || wantsSome)) break;
  }
  const takesMain = Math.sqrt(main2) <= SNAP_LIMIT_M;
  best.point = takesMain ? main : some;
  best.gap2 = takesMain ? main2 : some2;
}

/**
 * Put one point on its nearest street.
 * @param {object} ground - of `buildGround`
 * @param {number} lon - degrees
 * @param {number} lat - degrees
 * @param {object} snaps - of `roomForSnaps`; row i is filled in: link `NONE` if every street is farther than the limit
 * @param {number} i - which row
 */
export function snapPoint(ground, lon, lat, snaps, i) {
  const { metric, gapMsPerM } = ground.network;
  const px = lon * 1e6;
  const py = lat * 1e6;
  const d = Math.min(Math.max(py - metric.lat0, -METRIC_SPAN_E6), METRIC_SPAN_E6);
  const kx = metric.lonM + d * (metric.lonM1 + d * metric.lonM2);
  const ky = metric.latM;
  findSegment(ground, kx, ky, px, py);
  const { point } = best;
  const gapM = Math.sqrt(best.gap2);
  snaps.lon[i] = lon;
  snaps.lat[i] = lat;
  snaps.gapM[i] = gapM;
  snaps.link[i] = NONE;
  snaps.share[i] = snaps.footLon[i] = snaps.footLat[i] = NaN;
  snaps.forwardMs[i] = snaps.backwardMs[i] = snaps.gapMs[i] = snaps.gapMm[i] = -1;
  if (!(gapM <= SNAP_LIMIT_M)) return;
  snaps.gapMs[i] = Math.floor(gapM * gapMsPerM);
  snaps.gapMm[i] = Math.floor(gapM * 1000);
  project(ground.lon, ground.lat, kx, ky, px, py, point);
  placeFoot(ground, point, found[0], snaps, i);
}

/** Where along its link the foot point stands, and what it costs to get there from either end. */
function placeFoot({ network, lon, lat, pointLink }, point, t, snaps, i) {
  const { alongM, firstPoint, linkEdge, weightMs, delayMs } = network;
  const link = pointLink[point];
  const begin = firstPoint[link];
  const last = firstPoint[link + 1] - 1;
  let footX = lon[point] + t * (lon[point + 1] - lon[point]);
  let footY = lat[point] + t * (lat[point + 1] - lat[point]);
  const atM = alongM[point] + t * (alongM[point + 1] - alongM[point]);
  const totalM = alongM[last];
  const end = atM <= NODE_M ? begin : totalM - atM <= NODE_M ? last : NONE;
  const share = end === NONE ? atM / totalM : end === begin ? 0 : 1;
  if (end !== NONE) {
    footX = lon[end];
    footY = lat[end];
  }
  const along = linkEdge[2 * link];
  const against = linkEdge[2 * link + 1];
  snaps.link[i] = link;
  snaps.share[i] = share;
  snaps.footLon[i] = footX / 1e6;
  snaps.footLat[i] = footY / 1e6;
  if (along !== NONE) snaps.forwardMs[i] = Math.floor((weightMs[along] - delayMs[along]) * share);
  if (against !== NONE) {
    snaps.backwardMs[i] = Math.floor((weightMs[against] - delayMs[against]) * (1 - share));
  }
}
