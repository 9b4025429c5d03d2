/*
What loaded tiles prove, and which others a question wants (the end of pack.js' head comment says why).
*/

import { UNREACHED } from "./search.js";
import { NONE, SNAP_LIMIT_M } from "./snap.js";

const SLACK = 1.001; // boxes are a little larger than need be

/**
 * Whether no street that is not loaded can be nearer to a point than the one found; nor one off the islands, if that is one.
 * @param {object} router - with its tiles {grid, files, covers}
 * @param {object} snaps - the point in row 0
 * @returns {boolean} true if the tiles around it are all loaded
 */
export function provesSnap(router, snaps) {
  const link = snaps.link[0];
  const isSure = link !== NONE && router.network.isMain[link];
  return router.tiles.covers(boxAround(router, snaps.lon[0], snaps.lat[0], isSure ? snaps.gapM[0] : SNAP_LIMIT_M));
}

function boxAround({ network }, lon, lat, metres) {
  const { metric } = network;
  const d = lat * 1e6 - metric.lat0;
  const high = (metres / (metric.latM * 1e6)) * SLACK + 1e-6;
  const wide = (metres / ((metric.lonM + d * (metric.lonM1 + d * metric.lonM2)) * 1e6)) * SLACK + 1e-6;
  return [lon - wide, lat - high, lon + wide, lat + high];
}

/**
 * Tiles around a point that are not loaded.
 * @param {object} router - with its tiles {grid, files, covers}
 * @param {number} lon - degrees
 * @param {number} lat - degrees
 * @param {number} metres - how far around
 * @returns {{tiles: string[], box: number[]}} "column_row" of each, and their box [w, s, e, n] in degrees
 */
export function tilesInBox(router, lon, lat, metres) {
  const [west, south, east, north] = boxAround(router, lon, lat, metres);
  return missing(router.tiles, ([w, s, e, n]) => w <= east && e >= west && s <= north && n >= south);
}

/**
 * Tiles to which a search came and that are not loaded.
 * @param {object} router - with its tiles {grid, files, covers}
 * @param {...object} works - of the searches
 * @returns {{tiles: string[], box: number[]}} as of tilesInBox
 */
export function tilesAtBorder(router, ...works) {
  const { nodeLon, nodeLat, nodeIsWhole, nodeCount } = router.network;
  const { west, south, width, height } = router.tiles.grid;
  const reached = new Set();
  for (let v = 0; v < nodeCount; v++) {
    if (nodeIsWhole[v] || works.every((work) => work.cost[v] === UNREACHED)) continue;
    reached.add(`${Math.floor((nodeLon[v] - west) / width)}_${Math.floor((nodeLat[v] - south) / height)}`);
  }
  return missing(router.tiles, (box, key) => reached.has(key));
}

function missing(tiles, isWanted) {
  const { grid, files } = tiles;
  const { west, south, width, height } = grid;
  const keys = [];
  const all = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [column, row] of files) {
    const [w, s] = [west + column * width, south + row * height];
    const box = [w / 1e6, s / 1e6, (w + width) / 1e6, (s + height) / 1e6];
    const [lon, lat] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    if (!isWanted(box, `${column}_${row}`) || tiles.covers([lon, lat, lon, lat])) continue;
    keys.push(`${column}_${row}`);
    for (const i of [0, 1]) {
      all[i] = Math.min(all[i], box[i]);
      all[i + 2] = Math.max(all[i + 2], box[i + 2]);
    }
  }
  return { tiles: keys, box: all };
}
