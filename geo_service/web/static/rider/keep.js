/*
Getting what the page needs, and getting it again without the network.

    import { load, onConnection, age, startKeeping, holdTiles } from "./rider/keep.js";

    startKeeping()              once per page, after the first view stands; keeps the district for later (see below)
    await load(url)             -> Response (ok, or 204). What has its content's hash in its name comes from the phone if it
                                is there; index.json comes from the network, after 3 s or a failure from the phone.
                                Throws a TypeError if neither has it. Give it to `openPhone({base, load})`, use it for tiles.
    onConnection(callback)      -> stop(). callback({online, asOf}) now and at each change. `online` is told by requests
                                that failed or came back, never by navigator.onLine. `asOf` as below.
    age()                       seconds since the data was last known to be the server's, or null: never heard of it
    holdTiles(index)            -> whether the district's set of map tiles is one for a phone (a city's is not). Begins to
                                fetch the whole set, in an order that depends on nothing; from the call on, `load(tile)` waits
                                for its turn in that order. CALL IT BEFORE THE MAP MOVES TO WHERE THE RIDER IS: which tiles
                                are asked for, and when, then says nothing of the position.
    await recall(path)          a page's HTML as it was kept (`/<d>/p/<id>`), or null: for browsers without a service worker

With a service worker (`/sw.js`) that keeps everything, this file only watches. Without one (WeChat on iOS) it keeps copies in
IndexedDB; where that is refused too, in memory while the page is open. The order of what is fetched to be kept is fixed by
the district alone, so it says nothing of the rider.

When the district is kept: at the first touch or key, on a second visit, or after 20 s; never as part of the first view. A phone
that saves data (navigator.connection.saveData) keeps what is used, no more.
*/

import { clearFiles, readFact, readFile, writeFact, writeFile } from "./shelf.js";

const TIMEOUT_MS = 3000;
const QUIET_MS = 20_000; // a first view that nobody touches is over after this
const REFRESH_MS = 300_000; // an open page asks whether its data still hold
const RETRY_MS = 15_000; // and an offline one whether the server is back
const FRESH_MS = 10_000; // an index this young is not asked for twice
const MOST_TILES = 600; // of one district, as in sw.js
const AT_ONCE = 6;
const WORKER_MS = 30_000; // a worker that is not ready by then is not waited for

const HASHED = /^\/static\/|^\/[a-z0-9-]+\/pack\/[^/]+-[0-9a-f]{8,}\.|^\/[a-z0-9-]+\/tiles\/|[?&]v=/;
const INDEX = /\/pack\/index\.json$/;

const base = document.body?.dataset.base ?? `/${location.pathname.split("/")[1]}/`;
// The page as it came and in the other language; as it came, for what is asked later changes both addresses.
const other = document.querySelector("a.language")?.getAttribute("href") ?? "";
const addresses = [location.pathname + location.search, ...(other.startsWith(base) ? [other] : [])];
const listeners = new Set();
const state = { online: true, asOf: null };
const indexPath = `${base}pack/index.json`;
let asking = null; // the index on its way, or just come: {at, answer}
const missing = []; // tiles whose turn failed
let tilesCame = null;
let turns = null; // the whole set of tiles: path -> promise of its answer
let keeping = null;
let kept = false;

const worker = () => navigator.serviceWorker?.controller ?? null;
const pathOf = (url) => {
  const { pathname, search, origin } = new URL(url, location.href);
  if (origin !== location.origin) throw new TypeError(`${origin} is not asked: everything comes from this host`);
  return pathname + search;
};

function mark(online, asOf = state.asOf) {
  if (state.online === online && state.asOf === asOf) return;
  const changed = state.online !== online;
  Object.assign(state, { online, asOf });
  for (const listener of listeners) listener({ ...state });
  if (changed && !online) watch();
}

export function onConnection(callback) {
  listeners.add(callback);
  callback({ ...state });
  return () => listeners.delete(callback);
}

export function age() {
  return state.asOf === null ? null : Math.max(0, Math.round((Date.now() - state.asOf) / 1000));
}

export async function load(url) {
  const path = pathOf(url);
  if (path === indexPath) return (await freshIndex()).clone();
  if (INDEX.test(path)) return networkFirst(path);
  if (!HASHED.test(path)) return ask(path);
  return turns?.get(path) ? (await turns.get(path)).clone() : hashed(path);
}

// A file whose name says what it holds: the copy is as good as the original.
async function hashed(path) {
  const held = worker() ? null : await readFile(path);
  if (held) return answerOf(held);
  const answer = await ask(path);
  if (!worker()) await writeFile(path, await copyOf(answer));
  return answer;
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    mark(false);
    throw error;
  }
  // a proxy whose server is gone says so in these words
  if (answer.status >= 502 && answer.status <= 504) {
    mark(false);
    throw new TypeError(`${path}: ${answer.status}`);
  }
  if (!answer.ok) throw new TypeError(`${path}: ${answer.status}`);
  return answer;
}

async function copyOf(answer) {
  const body = answer.status === 204 ? null : await answer.clone().arrayBuffer();
  return { body, status: answer.status, type: answer.headers.get("Content-Type") ?? "", at: Date.now() };
}

const answerOf = ({ body, status, type, at }) =>
  new Response(body, { status, headers: { "Content-Type": type, "x-from-cache": "1", "x-kept-at": String(at) } });

async function networkFirst(path) {
  const held = worker() ? null : await readFile(path);
  const network = fromNetwork(path);
  if (!held) return network;
  network.catch(() => undefined); // told by `mark`; the copy answers
  const late = new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS));
  try {
    const answer = await Promise.race([network, late]);
    if (answer) return answer;
  } catch {
    // the copy answers
  }
  mark(false, held.at);
  return answerOf(held);
}

async function fromNetwork(path) {
  const answer = await ask(path, { cache: "no-cache" });
  const kept = answer.headers.get("x-from-cache") ? Number(answer.headers.get("x-kept-at")) || null : undefined;
  if (kept !== undefined) {
    if (path === indexPath) mark(false, kept);
    return answer;
  }
  if (path === indexPath) {
    mark(true, Date.now());
    void writeFact(`as-of ${base}`, state.asOf);
  }
  if (!worker()) void keepIndex(path, answer.clone());
  return answer;
}

/** A new index counts when its files are here: a page that opens offline would look for what is not. */
async function keepIndex(path, answer) {
  const copy = await copyOf(answer);
  try {
    if (!navigator.connection?.saveData && (await readFile(path))) await inTurn(packFiles(await answer.json()), hashed);
  } catch {
    return; // the one before stays, and its files with it
  }
  await writeFile(path, copy);
}

// The index is what tells whether the server is there and the data are its own.
function freshIndex() {
  if (asking && Date.now() - asking.at < FRESH_MS) return asking.answer;
  const answer = networkFirst(indexPath);
  asking = { at: Date.now(), answer };
  answer.catch(() => (asking = null));
  return answer;
}

function refresh() {
  asking = null;
  return freshIndex().then(
    () => undefined,
    () => undefined, // `mark` has told it
  );
}

let watching = 0;
function watch() {
  clearTimeout(watching);
  const again = async () => {
    if (document.visibilityState === "visible") await refresh();
    watch();
  };
  watching = setTimeout(again, state.online ? REFRESH_MS : RETRY_MS);
}

/* The district for later */

export function startKeeping() {
  if (keeping) return;
  keeping = begin();
}

async function begin() {
  if (worker()) void clearFiles(); // its copies are enough
  state.asOf ??= (await readFact(`as-of ${base}`)) ?? null;
  void refresh();
  watch();
  addEventListener("online", refresh);
  addEventListener("offline", refresh);
  addEventListener("pageshow", (event) => event.persisted && refresh());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && (!state.online || age() === null || age() > 60)) void refresh();
  });
  await firstViewIsOver();
  const controlled = registerWorker();
  if (navigator.connection?.saveData) return;
  await controlled;
  // one that was slow to come has seen nothing yet
  navigator.serviceWorker?.addEventListener("controllerchange", () => void keepDistrict());
  await keepDistrict();
  onConnection(({ online }) => online && !kept && void keepDistrict());
}

async function firstViewIsOver() {
  const visits = Number((await readFact(`visits ${base}`)) ?? 0) + 1;
  await writeFact(`visits ${base}`, visits);
  if (visits > 1 || navigator.userActivation?.hasBeenActive || performance.now() > QUIET_MS) return;
  await new Promise((resolve) => {
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, resolve, { once: true, capture: true });
    setTimeout(resolve, QUIET_MS);
  });
}

async function keepDistrict() {
  try {
    asking = null; // the worker has not seen the first one
    const index = await (await load(indexPath)).json();
    const lang = new URLSearchParams(location.search).get("lang");
    const query = lang ? `?lang=${encodeURIComponent(lang)}` : "";
    await inTurn(packFiles(index), load);
    await inTurn([...new Set([base + query, ...addresses])], keepPage);
    const { layer } = document.body.dataset;
    if (layer && worker()) await ask(`${base}pins.json?layer=${encodeURIComponent(layer)}`);
    await keepPlaces(`${base}pages.json`, query);
    if (!worker()) await keepModules();
    holdTiles(index);
    await tilesCame;
    kept = missing.length === 0;
    if (kept) document.documentElement.dataset.kept = "yes";
  } catch {
    // without a network nothing is kept; its return, or the next visit, tries again
  }
}

/** Wait for a worker that answers for this page; a browser that has none, or refuses it, is served without. */
async function registerWorker() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  try {
    await workers.register("/sw.js", { scope: "/", updateViaCache: "none" });
  } catch {
    return;
  }
  if (worker()) return;
  await new Promise((resolve) => {
    workers.addEventListener("controllerchange", resolve, { once: true });
    setTimeout(resolve, WORKER_MS);
  });
}

/** Every file of the pack that the index names, wherever it names it. */
function packFiles(index) {
  const named = [];
  const look = (value) => {
    if (typeof value === "string" && /^[\w.-]+-[0-9a-f]{8,}\.\w+$/.test(value)) named.push(`${base}pack/${value}`);
    else if (value && typeof value === "object") Object.values(value).forEach(look);
  };
  look({ ...index, profiles: (index.profiles ?? []).filter((profile) => !profile.tiles) });
  return [...new Set(named)];
}

async function keepModules() {
  const { files } = await (await ask("/offline.json")).json();
  await inTurn(files, (path) => fetch(path)); // into the HTTP cache, where import() finds them
}

/** Only a worker can give a page back; one that it has is not fetched twice. */
async function keepPage(path) {
  if (worker() && !(await caches.match(path))) await ask(path);
}

/** The detail pages of all places, so that what is kept says nothing of which one was looked at. */
async function keepPlaces(path, query) {
  const answer = await ask(path + query);
  if (!worker()) await writeFile(path, await copyOf(answer));
}

export async function recall(path) {
  const { pathname } = new URL(path, location.href);
  const held = await readFile(`${base}pages.json`);
  if (!held) return null;
  const { pages } = await answerOf(held).json();
  return pages[decodeURIComponent(pathname.slice(`${base}p/`.length))] ?? null;
}

/* Tiles */

export function holdTiles(index) {
  const paths = tilePaths(index);
  if (!paths) return false;
  if (!turns) {
    turns = new Map();
    tilesCame = fetchTiles(paths);
    onConnection(({ online }) => online && missing.length && void fetchTiles(missing.splice(0)));
  }
  return true;
}

/** Each tile's turn comes in the order of the set; one that fails gets another when the network is back. */
function fetchTiles(paths) {
  const waiting = new Map(paths.map((path) => [path, deferred()]));
  for (const [path, { promise }] of waiting) turns.set(path, promise);
  return inTurn(paths, async (path) => {
    try {
      waiting.get(path).resolve(await hashed(path));
    } catch (error) {
      missing.push(path);
      waiting.get(path).reject(error);
    }
  });
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => undefined); // a tile that nobody waits for may fail in silence
  return made;
}

/** The whole set, coarse zooms first; null if there is none or it is more than a phone should hold. */
function tilePaths(index) {
  const basemap = index.basemap ?? JSON.parse(document.body.dataset.basemap ?? "null");
  const bbox = basemap?.bbox ?? index.bbox;
  if (!basemap?.url) return null;
  const paths = [];
  for (let z = basemap.minzoom; z <= basemap.maxzoom; z++) {
    const [left, top] = tileOf(bbox[0], bbox[3], z);
    const [right, bottom] = tileOf(bbox[2], bbox[1], z);
    if ((right - left + 1) * (bottom - top + 1) > MOST_TILES) return null;
    for (let x = left; x <= right; x++) {
      for (let y = top; y <= bottom; y++) {
        paths.push(pathOf(basemap.url.replace("{z}", z).replace("{x}", x).replace("{y}", y)));
      }
    }
  }
  return paths.length > MOST_TILES ? null : paths;
}

function tileOf(lon, lat, z) {
  const n = 2 ** z;
  const s = Math.sin((lat * Math.PI) / 180);
  const y = 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
  return [Math.floor(((lon + 180) / 360) * n), Math.floor(y * n)];
}

/** Do for each in order, a few at once; the order of beginning is that of the list. */
async function inTurn(list, doFor) {
  let next = 0;
  const hand = async () => {
    while (next < list.length) await doFor(list[next++]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, hand));
}
