/*
The district pack on the phone: fetch the files that index.json names and turn them into flat arrays.

  loadIndex(base, load)              base is "/<district>/"; reads base + "pack/index.json"
  loadPlaces(index, load)            places and their hours (two files)
  loadNames(index, load)             streets, crossings, landmarks: for "where am I" by name
  loadBoundary(index, load)          a GeoJSON geometry, or null
  loadNetwork(index, profile, load)  the streets of a profile that comes in one file
  networkOver(index, profile, load)  those of any profile, by what the map shows; see the end of this comment

`load(url)` gives a Promise of an ArrayBuffer or of a Response; fetch, if left out. Nothing here looks at a position.

index, as it is in the file (docs/guide/pack.md has every word of it):
  {format, district, name: {zh, en}, synthetic, made, day_s, days, timezone_offset_min: 480, centre: [lon, lat],
   bbox: [w, s, e, n], profiles: [{id, nodes, edges, links, bytes, file} or {id, nodes, edges, links, bytes, tiles}],
   places, hours, names, boundary: {file, bytes},
   layers: [{key, zh, en, pin, colour, count, version}], services: {kind: {zh, en}},
   doubts: [{place, claim, n_said, last_s, begin_s, end_s}], basemap, apps}
  `tiles` is {west, south, width, height, files: [[column, row, file, bytes], ...]}, whole micro-degrees (1e-6 degree).
  loadIndex adds `base`. Instants named *_s are epoch seconds; `doubts` say when an "open" counts as stale (finder/doubted.py).

A network, decoded. n nodes, m directed edges, l links (pieces of street), p points; order and ids are those of the
server's Network (edges by tail, head, link, along before against; links by their lower edge), so the lowest edge is the same:
  profile, gapMsPerM                 string, double
  metric                             {lat0, latM, lonM, lonM1, lonM2}: metres per micro-degree, doubles as the server has them
  nodeCount, edgeCount, linkCount, pointCount
  nodeLon, nodeLat                   Int32Array(n), micro-degrees
  nodeId                             Uint32Array(n), the server's number of the node (i itself, if all tiles are here)
  nodeIsWhole                        Uint8Array(n): 1 if every link at this node is loaded; all 1 for a network in one file
  firstOut                           Uint32Array(n + 1): edges firstOut[v] .. firstOut[v + 1] - 1 leave v
  tail, head                         Uint32Array(m)
  weightMs, delayMs                  Int32Array(m): whole cost; the part of it paid at the very end
  mode                               Uint8Array(m): 0 ride, 1 push, 2 walk
  edgeLink                           Uint32Array(m)
  linkEdge                           Int32Array(2 l): [2 i] the edge along the drawn direction, [2 i + 1] against it, -1 for none
  linkFrom, linkTo                   Uint32Array(l): node at the first point, at the last point
  linkId                             Uint32Array(l), the server's number of the link; `linkOf(id)` the other way, -1 if not loaded
  lengthMm                           Int32Array(l)
  isMain                             Uint8Array(l): 1 for links that are not on an island (engine/lines.py)
  firstPoint                         Uint32Array(l + 1): points firstPoint[i] .. firstPoint[i + 1] - 1, at least two
  pointLon, pointLat                 Int32Array(p), micro-degrees
  pointLink                          Uint32Array(p)
  alongM                             Float64Array(p): metres from the first point of the link, the very doubles of the engine
  linkName, names                    Uint32Array(l) into names (names[0] is ""): what the street is called

Places, decoded: {day_s, until_s, hours, layers, all, byId}
  day_s .. until_s                   the 14 days in which a state equals the server's; from a midnight in Asia/Shanghai
  hours[h]                           {text, startS: Float64Array, kind: Uint8Array, endS, week}: from startS[i] on it is
                                     kind[i] (0 closed, 1 open, 2 unknown). It reaches from day_s to endS = until_s + 15 days,
                                     so that "until when" and "opens again" are known as far ahead as the server looks.
                                     hours[0] is that of no text at all: unknown throughout.
  hours[h].week                      beyond endS only an estimate, to be told as one: 7 lists, Monday first, of [minute, kind]
                                     pairs; an ordinary week without holidays
  layers                             Map of key to {key, places}, in the order of the server's tables (row = index)
  all, byId                          every place; Map of id to place
A place: the API's words where it has them.
  id, layer, row, name, pinyin ("xiang he yuan"), initials ("xhy"), lon, lat,
  target [lon, lat]                  where routes and links aim: the arrival point, else the pin
  gcj02, bd09 [lon, lat]             the target in those datums (six decimals), shifted whether or not it is on the mainland
  extents                            where it lies, as exchange/navapps.py asks: ["mainland", ...]; gcj02 counts only inside
  address, phone, network, host_type, operator, class, station_code, area_m2, seats, headcount, ebike_parking,
  open_to [], photos [], inspection {body, date, result}, power {operator, plan, voltage_v [], slots}: as in the API; null if absent
  hours                              text or null; hours_at index into `hours`
  services                           [{kind, hours (text or null), hours_at (the door's, if it has none), note, price, from_s, until_s}]
  access                             [{method, hours, hours_at, note}]
  status, status_reason, from_s, until_s   from_s <= t < until_s are its dates; null is without end. "active": in use inside
                                     them; "paused": outside of them (without dates never)
  checked {kind: "YYYY-MM-DD"}, checked_on (older of hours and existence), stale_s   from that instant on an "open" is "stale"; 0: always
  source, licence, synthetic
  snap                               {profile: {link, share, forwardMs, backwardMs, gapMs, gapMm} or null}: Snaps of engine/snap.py,
                                     link as the server numbers it (`network.linkOf`); forwardMs or backwardMs is -1 without that edge

Names, decoded: {streets: [{name, pinyin, initials, lon, lat}], crossings: [{names: [a, b], lon, lat}],
                 landmarks: [{name, kind, pinyin, initials, lon, lat}]}

networkOver(index, profile, load) gives {tiled, grid, want(bbox), network, covers(bbox), loaded}:
  await want([w, s, e, n])           fetches the tiles that this box of the map touches and returns the network of all loaded tiles
  network                            the same, or null
  covers([w, s, e, n])               whether every tile that touches the box is loaded (a tile that is not in the index is empty)
A profile in one file is one tile that covers everything. What loaded tiles prove: a tile holds every link that touches it,
whole, with both its nodes. So (1) the nearest link to a point is right if covers() holds for the box of its gap around the point;
(2) every link at a node that lies in a loaded tile is loaded (nodeIsWhole); a search is right up to the first node it takes off
the heap with nodeIsWhole 0, in either direction: whatever is not loaded can only be reached through such a node, at no less cost.
*/

const MAGIC = 0x4b505347;
const SECTIONS = 15;
const ALONG = 1, AGAINST = 2, TURNED = 4, MAIN = 8;
const NONE = -1;
const E6 = 1e6;

/** The bytes behind an address. A Response is taken as well, and must be one of success. */
async function bytesOf(url, load = fetch) {
  const got = await load(url);
  if (got instanceof ArrayBuffer) return got;
  if (ArrayBuffer.isView(got)) return got.buffer.slice(got.byteOffset, got.byteOffset + got.byteLength);
  if (!got.ok) throw Object.assign(new Error(`${url}: ${got.status}`), {code: "not_loaded", status: got.status});
  return got.arrayBuffer();
}

async function jsonOf(url, load) {
  return JSON.parse(new TextDecoder().decode(await bytesOf(url, load)));
}

export async function loadIndex(base, load) {
  const index = await jsonOf(`${base}pack/index.json`, load);
  return Object.assign(index, {base});
}

const urlOf = (index, file) => `${index.base}pack/${file}`;

export async function loadBoundary(index, load) {
  return index.boundary ? jsonOf(urlOf(index, index.boundary.file), load) : null;
}

// --- streets ------------------------------------------------------------------------------------

/** Reads what pack/varints.py writes; numbers stay below 2^53. */
class Varints {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  next() {
    let byte = this.bytes[this.at++];
    if (byte < 128) return byte;
    let value = byte & 127;
    let unit = 128;
    do {
      byte = this.bytes[this.at++];
      value += (byte & 127) * unit;
      unit *= 128;
    } while (byte >= 128);
    return value;
  }

  nextSigned() {
    const folded = this.next();
    return folded % 2 ? -(folded + 1) / 2 : folded / 2;
  }
}

const halfUp = (value) => Math.floor(value + 0.5);

/** One file of streets, as pack/streets.py wrote it: its nodes and links, not yet its edges. */
function readStreets(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint32(4, true);
  if (view.getUint32(0, true) !== MAGIC) throw Object.assign(new Error("no file of streets"), {code: "damaged"});
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  if (head.format !== 1 || head.sections.length !== SECTIONS) {
    throw Object.assign(new Error(`streets of format ${head.format}`), {code: "other_format"});
  }
  const bytes = new Uint8Array(buffer);
  let at = 8 + length;
  const streams = head.sections.map((size) => new Varints(bytes, (at += size) - size));
  const [lat0, latM, lonM, lonM1, lonM2] = head.metric;
  const part = {
    head,
    metric: {lat0, latM, lonM, lonM1, lonM2},
    isWhole: head.sections[0] === 0 && head.sections[3] === 0,
    ...readNodes(head, streams),
  };
  return readLinks(part, streams);
}

function readNodes({nodes}, [ids, lons, lats]) {
  const hasIds = ids.at < lons.at;
  const nodeId = new Uint32Array(nodes), nodeLon = new Int32Array(nodes), nodeLat = new Int32Array(nodes);
  for (let i = 0, id = 0, lon = 0, lat = 0; i < nodes; i++) {
    nodeId[i] = hasIds ? (id += ids.next()) : i;
    nodeLon[i] = lon += lons.nextSigned();
    nodeLat[i] = lat += lats.nextSigned();
  }
  return {nodeId, nodeLon, nodeLat};
}

function readLinks(part, streams) {
  const [, , , ids, lows, highs, flags, inners, lons, lats, lengths, ways, rides, delays, names] = streams;
  const {links: n, points} = part.head;
  const hasIds = ids.at < lows.at;
  Object.assign(part, {
    linkId: new Uint32Array(n), linkFrom: new Uint32Array(n), linkTo: new Uint32Array(n), isMain: new Uint8Array(n),
    firstPoint: new Uint32Array(n + 1), pointLon: new Int32Array(points), pointLat: new Int32Array(points),
    pointLink: new Uint32Array(points), alongM: new Float64Array(points), lengthMm: new Int32Array(n),
    linkName: new Uint32Array(n),
    // of the edge along each link, and of the one against it; weight 0 without
    sideMs: new Int32Array(2 * n), sideDelay: new Int32Array(2 * n), sideMode: new Uint8Array(2 * n),
  });
  for (let i = 0, id = 0, low = 0, point = 0; i < n; i++) {
    part.linkId[i] = hasIds ? (id += ids.next()) : i;
    low += lows.nextSigned();
    const high = low + highs.nextSigned();
    const flag = flags.next();
    const from = part.linkFrom[i] = flag & TURNED ? high : low;
    const to = part.linkTo[i] = flag & TURNED ? low : high;
    part.isMain[i] = flag & MAIN ? 1 : 0;
    part.firstPoint[i] = point;
    const end = point + inners.next() + 1;
    part.pointLon[point] = part.nodeLon[from];
    part.pointLat[point] = part.nodeLat[from];
    for (let p = point + 1; p < end; p++) {
      part.pointLon[p] = part.pointLon[p - 1] + lons.nextSigned();
      part.pointLat[p] = part.pointLat[p - 1] + lats.nextSigned();
    }
    part.pointLon[end] = part.nodeLon[to];
    part.pointLat[end] = part.nodeLat[to];
    measure(part, i, point, end);
    part.lengthMm[i] = halfUp(part.alongM[end] * 1000) + lengths.nextSigned();
    point = end + 1;
    for (let side = 0; side < 2; side++) {
      if (flag & (side ? AGAINST : ALONG)) readEdge(part, 2 * i + side, ways, rides, delays);
    }
    part.linkName[i] = names.next();
  }
  part.firstPoint[n] = points;
  return part;
}

/** Metres from the first point, segment after segment: engine/lines.py, operation by operation. */
function measure(part, link, first, last) {
  const {lat0, latM, lonM, lonM1, lonM2} = part.metric;
  const {pointLon: x, pointLat: y, alongM} = part;
  part.pointLink.fill(link, first, last + 1);
  for (let p = first + 1; p <= last; p++) {
    const d = (y[p - 1] + y[p]) * 0.5 - lat0;
    const ux = (x[p] - x[p - 1]) * (lonM + d * (lonM1 + d * lonM2));
    const uy = (y[p] - y[p - 1]) * latM;
    alongM[p] = alongM[p - 1] + Math.sqrt(ux * ux + uy * uy);
  }
}

function readEdge(part, side, ways, rides, delays) {
  const [msPerM, mode] = part.head.ways[ways.next()];
  const ride = Math.max(1, halfUp(part.lengthMm[side >> 1] / 1000 * msPerM)) + rides.nextSigned();
  part.sideDelay[side] = delays.next();
  part.sideMs[side] = ride + part.sideDelay[side];
  part.sideMode[side] = mode;
}

/** Put parts together, each node and link once, in the server's order. */
function join(parts) {
  if (parts.length === 1) return {...parts[0], names: parts[0].head.names};
  const {head, metric} = parts[0];
  const nodes = union(parts, "nodeId"), links = union(parts, "linkId");
  const n = nodes.id.length, l = links.id.length;
  const whole = {
    head, metric, isWhole: false, nodeId: nodes.id, nodeLon: new Int32Array(n), nodeLat: new Int32Array(n),
    linkId: links.id, linkFrom: new Uint32Array(l), linkTo: new Uint32Array(l), isMain: new Uint8Array(l),
    firstPoint: new Uint32Array(l + 1), lengthMm: new Int32Array(l), linkName: new Uint32Array(l),
    sideMs: new Int32Array(2 * l), sideDelay: new Int32Array(2 * l), sideMode: new Uint8Array(2 * l),
  };
  const name = joinNames(parts, whole);
  for (let i = 0; i < n; i++) {
    const part = parts[nodes.part[i]], row = nodes.row[i];
    whole.nodeLon[i] = part.nodeLon[row];
    whole.nodeLat[i] = part.nodeLat[row];
  }
  for (let i = 0; i < l; i++) {
    const part = parts[links.part[i]], row = links.row[i];
    whole.firstPoint[i + 1] = whole.firstPoint[i] + part.firstPoint[row + 1] - part.firstPoint[row];
    whole.linkFrom[i] = find(nodes.id, part.nodeId[part.linkFrom[row]]);
    whole.linkTo[i] = find(nodes.id, part.nodeId[part.linkTo[row]]);
    whole.isMain[i] = part.isMain[row];
    whole.lengthMm[i] = part.lengthMm[row];
    whole.linkName[i] = name[links.part[i]][part.linkName[row]];
    for (let side = 0; side < 2; side++) {
      whole.sideMs[2 * i + side] = part.sideMs[2 * row + side];
      whole.sideDelay[2 * i + side] = part.sideDelay[2 * row + side];
      whole.sideMode[2 * i + side] = part.sideMode[2 * row + side];
    }
  }
  joinPoints(parts, links, whole);
  return whole;
}

function joinNames(parts, whole) {
  const at = new Map();
  const rows = parts.map((part) => part.head.names.map((name) => {
    if (!at.has(name)) at.set(name, at.size);
    return at.get(name);
  }));
  whole.names = [...at.keys()];
  return rows;
}

function joinPoints(parts, links, whole) {
  const points = whole.firstPoint[links.id.length];
  Object.assign(whole, {
    pointLon: new Int32Array(points), pointLat: new Int32Array(points),
    pointLink: new Uint32Array(points), alongM: new Float64Array(points),
  });
  for (let i = 0; i < links.id.length; i++) {
    const part = parts[links.part[i]], row = links.row[i], at = whole.firstPoint[i];
    const from = part.firstPoint[row], to = part.firstPoint[row + 1];
    for (const name of ["pointLon", "pointLat", "alongM"]) whole[name].set(part[name].subarray(from, to), at);
    whole.pointLink.fill(i, at, whole.firstPoint[i + 1]);
  }
}

/** Every id once, ascending, with one part and row that has it. */
function union(parts, name) {
  const total = parts.reduce((sum, part) => sum + part[name].length, 0);
  const id = new Uint32Array(total), from = new Uint32Array(total), row = new Uint32Array(total);
  const at = parts.map(() => 0);
  let n = 0;
  for (;;) {
    let least = Infinity, chosen = 0;
    for (let p = 0; p < parts.length; p++) {
      const ids = parts[p][name];
      while (n && at[p] < ids.length && ids[at[p]] === id[n - 1]) at[p]++;
      if (at[p] < ids.length && ids[at[p]] < least) [least, chosen] = [ids[at[p]], p];
    }
    if (least === Infinity) return {id: id.slice(0, n), part: from, row};
    id[n] = least;
    from[n] = chosen;
    row[n++] = at[chosen]++;
  }
}

/** Row of a number in an ascending array, -1 if it is not there. */
function find(ascending, wanted) {
  let low = 0, high = ascending.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] === wanted) return middle;
    if (ascending[middle] < wanted) low = middle + 1; else high = middle - 1;
  }
  return NONE;
}

/** Number the edges: by tail, then head, then link, along before against. */
function addEdges(streets) {
  const {linkFrom, linkTo, sideMs} = streets;
  const n = streets.nodeLon.length;
  const firstOut = new Uint32Array(n + 1);
  for (let side = 0; side < sideMs.length; side++) {
    if (sideMs[side]) firstOut[(side & 1 ? linkTo : linkFrom)[side >> 1] + 1]++;
  }
  for (let v = 0; v < n; v++) firstOut[v + 1] += firstOut[v];
  const m = firstOut[n];
  const edgeSide = new Uint32Array(m), head = new Uint32Array(m);
  const next = firstOut.slice(0, n);
  for (let side = 0; side < sideMs.length; side++) {
    if (!sideMs[side]) continue;
    const link = side >> 1, to = (side & 1 ? linkFrom : linkTo)[link], from = (side & 1 ? linkTo : linkFrom)[link];
    let e = next[from]++;
    // few edges leave a node, and links come in their order: shift those with a higher head
    for (; e > firstOut[from] && head[e - 1] > to; e--) {
      head[e] = head[e - 1];
      edgeSide[e] = edgeSide[e - 1];
    }
    head[e] = to;
    edgeSide[e] = side;
  }
  return {firstOut, head, edgeSide};
}

function buildNetwork(parts, isLoaded) {
  const streets = join(parts);
  const {firstOut, head, edgeSide} = addEdges(streets);
  const n = streets.nodeLon.length, m = head.length, l = streets.linkId.length;
  const tail = new Uint32Array(m), edgeLink = new Uint32Array(m), linkEdge = new Int32Array(2 * l).fill(NONE);
  const weightMs = new Int32Array(m), delayMs = new Int32Array(m), mode = new Uint8Array(m);
  for (let v = 0; v < n; v++) tail.fill(v, firstOut[v], firstOut[v + 1]);
  for (let e = 0; e < m; e++) {
    const side = edgeSide[e];
    edgeLink[e] = side >> 1;
    linkEdge[side] = e;
    weightMs[e] = streets.sideMs[side];
    delayMs[e] = streets.sideDelay[side];
    mode[e] = streets.sideMode[side];
  }
  const nodeIsWhole = new Uint8Array(n).fill(1);
  if (isLoaded) nodeIsWhole.forEach((_, v) => nodeIsWhole[v] = isLoaded(streets.nodeLon[v], streets.nodeLat[v]) ? 1 : 0);
  const {linkId} = streets;
  return {
    profile: streets.head.profile, gapMsPerM: streets.head.gap_ms_per_m, metric: streets.metric,
    nodeCount: n, edgeCount: m, linkCount: l, pointCount: streets.pointLon.length,
    nodeLon: streets.nodeLon, nodeLat: streets.nodeLat, nodeId: streets.nodeId, nodeIsWhole,
    firstOut, tail, head, weightMs, delayMs, mode, edgeLink, linkEdge,
    linkFrom: streets.linkFrom, linkTo: streets.linkTo, linkId, lengthMm: streets.lengthMm, isMain: streets.isMain,
    linkOf: streets.isWhole ? (id) => (id < l ? id : NONE) : (id) => find(linkId, id),
    firstPoint: streets.firstPoint, pointLon: streets.pointLon, pointLat: streets.pointLat,
    pointLink: streets.pointLink, alongM: streets.alongM, linkName: streets.linkName, names: streets.names,
  };
}

function entryOf(index, profile) {
  const entry = index.profiles.find(({id}) => id === profile);
  if (!entry) throw Object.assign(new Error(`no streets for ${profile}`), {code: "no_profile"});
  return entry;
}

export async function loadNetwork(index, profile, load) {
  const entry = entryOf(index, profile);
  if (!entry.file) throw Object.assign(new Error(`${profile} comes in tiles`), {code: "tiled"});
  return buildNetwork([readStreets(await bytesOf(urlOf(index, entry.file), load))], null);
}

/** The streets of a profile by what the map shows; see the head of this file for what loaded tiles prove. */
export function networkOver(index, profile, load) {
  const entry = entryOf(index, profile);
  return entry.tiles ? new TiledNetwork(index, entry.tiles, load) : new WholeNetwork(index, profile, load);
}

class WholeNetwork {
  constructor(index, profile, load) {
    Object.assign(this, {tiled: false, grid: null, network: null, loaded: new Set()});
    this._fetch = () => loadNetwork(index, profile, load);
  }

  async want() {
    this._coming ??= this._fetch();
    try {
      this.network = await this._coming;
    } catch (error) {
      this._coming = null;
      throw error;
    }
    this.loaded.add("0_0");
    return this.network;
  }

  covers() {
    return this.network !== null;
  }
}

class TiledNetwork {
  constructor(index, tiles, load) {
    const {west, south, width, height, files} = tiles;
    Object.assign(this, {tiled: true, grid: {west, south, width, height}, network: null, loaded: new Set()});
    this._files = new Map(files.map(([column, row, file]) => [`${column}_${row}`, file]));
    this._parts = new Map();
    this._coming = new Map();
    this._fetch = async (file) => readStreets(await bytesOf(urlOf(index, file), load));
  }

  /** Keys of the tiles that exist and touch a box in degrees. */
  _within([west, south, east, north]) {
    const {grid} = this, keys = [];
    const column = (lon) => Math.floor((lon * E6 - grid.west) / grid.width);
    const row = (lat) => Math.floor((lat * E6 - grid.south) / grid.height);
    for (const key of this._files.keys()) {
      const [c, r] = key.split("_").map(Number);
      if (c >= column(west) && c <= column(east) && r >= row(south) && r <= row(north)) keys.push(key);
    }
    return keys;
  }

  async want(bbox) {
    const missing = this._within(bbox).filter((key) => !this._parts.has(key));
    await Promise.all(missing.map((key) => this._take(key)));
    if (this._parts.size > this.loaded.size) this._build();
    return this.network;
  }

  async _take(key) {
    if (!this._coming.has(key)) this._coming.set(key, this._fetch(this._files.get(key)));
    try {
      this._parts.set(key, await this._coming.get(key));
    } finally {
      this._coming.delete(key);
    }
  }

  _build() {
    this.loaded = new Set(this._parts.keys());
    const {west, south, width, height} = this.grid;
    this.network = buildNetwork([...this._parts.values()], (lon, lat) =>
      this.loaded.has(`${Math.floor((lon - west) / width)}_${Math.floor((lat - south) / height)}`));
  }

  covers(bbox) {
    return this._within(bbox).every((key) => this.loaded.has(key));
  }
}

// --- places -------------------------------------------------------------------------------------

const DAY_S = 86400;

/** Places and their hours; the two files belong together and come together. */
export async function loadPlaces(index, load) {
  const [places, hours] = await Promise.all(
    [index.places, index.hours].map(({file}) => jsonOf(urlOf(index, file), load)));
  const lines = readHours(places.hours, hours);
  const layers = new Map(Object.entries(places.layers).map(([key, table]) =>
    [key, {key, places: readTable(key, table, places)}]));
  const all = [...layers.values()].flatMap((layer) => layer.places);
  return {
    day_s: hours.day_s, until_s: hours.day_s + hours.days * DAY_S, hours: lines, layers, all,
    byId: new Map(all.map((place) => [place.id, place])),
  };
}

/** From kinds of day to one line for each text: neighbours of one kind are one stretch. */
function readHours(texts, {day_s: first, reach, kinds, on, week}) {
  if (on.length !== texts.length) throw Object.assign(new Error("hours of other places"), {code: "damaged"});
  return texts.map((text, i) => {
    const startS = [], kind = [];
    on[i].forEach((said, day) => {
      for (const [minute, what] of pairs(kinds[said])) {
        if (kind.length && kind[kind.length - 1] === what) continue;
        startS.push(first + day * DAY_S + minute * 60);
        kind.push(what);
      }
    });
    return {
      text, startS: Float64Array.from(startS), kind: Uint8Array.from(kind), endS: first + reach * DAY_S,
      week: week[i].map((said) => pairs(kinds[said])),
    };
  });
}

function pairs(flat) {
  const found = [];
  for (let i = 0; i < flat.length; i += 2) found.push([flat[i], flat[i + 1]]);
  return found;
}

const PLAIN = ["address", "phone", "network", "host_type", "operator", "class", "station_code", "area_m2", "seats",
  "headcount", "ebike_parking", "inspection", "power", "status_reason", "from_s", "until_s"];

/** Columns of one layer into its places, in the order of the server's table. A column that says nothing is not there. */
function readTable(layer, table, {hours, sources, extents}) {
  const of = (name, row, without = null) => (table[name] ? table[name][row] : without);
  return Array.from({length: table.count}, (_, row) => {
    const hoursAt = of("hours", row, 0);
    const lon = of("lon", row), lat = of("lat", row), target = of("arrival", row) ?? [lon, lat];
    const pinyin = of("pinyin", row, ""), checked = of("checked", row, {});
    const [source, licence] = sources[of("source", row, 0)] ?? ["", ""];
    const bits = of("extents", row, 0);
    const place = {
      id: of("id", row), layer, row, name: of("name", row), pinyin, initials: initialsOf(pinyin), lon, lat, target,
      gcj02: moved(table, "gcj02", row, target), bd09: moved(table, "bd09", row, target),
      extents: extents.filter((__, bit) => bits & (1 << bit)),
      hours: hours[hoursAt], hours_at: hoursAt, open_to: of("open_to", row, []), photos: of("photos", row, []),
      services: of("services", row, []).map(([kind, at = 0, note = null, price = null, from_s = null, until_s = null]) =>
        ({kind, hours: hours[at], hours_at: at || hoursAt, note, price, from_s, until_s})),
      access: of("access", row, []).map(([method, at, note]) => ({method, hours: hours[at], hours_at: at, note})),
      status: of("status", row) ?? "active", checked,
      checked_on: [checked.hours, checked.existence].filter(Boolean).sort()[0] ?? null,
      stale_s: of("stale_s", row, 0), source, licence, synthetic: source === "synthetic",
      snap: Object.fromEntries(Object.entries(table.snap).map(([profile, columns]) => [profile, snapOf(columns, row)])),
    };
    for (const name of PLAIN) place[name] = of(name, row);
    return place;
  });
}

const initialsOf = (pinyin) => pinyin.split(" ").map((syllable) => syllable.charAt(0)).join("");

/** Six decimals of the target in another datum: the file tells how far it is from the target's own six. */
function moved(table, datum, row, [lon, lat]) {
  return [(Math.floor(lon * E6) + table[`${datum}_lon`][row]) / E6, (Math.floor(lat * E6) + table[`${datum}_lat`][row]) / E6];
}

function snapOf(columns, row) {
  if (columns.link[row] < 0) return null;
  return {
    link: columns.link[row], share: columns.share[row], forwardMs: columns.forward_ms[row],
    backwardMs: columns.backward_ms[row], gapMs: columns.gap_ms[row], gapMm: columns.gap_mm[row],
  };
}

// --- names --------------------------------------------------------------------------------------

export async function loadNames(index, load) {
  const {names, pinyin, streets, crossings, kinds, landmarks} = await jsonOf(urlOf(index, index.names.file), load);
  const at = (rows, make) => {
    let x = 0, y = 0;
    return rows.lon.map((lon, i) => ({...make(i), lon: (x += lon) / E6, lat: (y += rows.lat[i]) / E6}));
  };
  const spelled = (name, typed) => ({name, pinyin: typed, initials: initialsOf(typed)});
  return {
    streets: at(streets, (i) => spelled(names[streets.name[i]], pinyin[streets.name[i]])),
    crossings: at(crossings, (i) => ({names: [names[crossings.a[i]], names[crossings.b[i]]]})),
    landmarks: at(landmarks, (i) => ({...spelled(landmarks.name[i], landmarks.pinyin[i]), kind: kinds[landmarks.kind[i]]})),
  };
}
