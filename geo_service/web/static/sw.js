/*
The service worker: what the rider's pages need, answered from the phone when the server is not there.

Sent as /sw.js by geo_service/web/offline.py, which writes three lines in front: VERSION (of all static files), SHELL (those of the
rider's pages) and RESERVED (first parts of addresses that are no district). Rules, by address; all else is not touched, above
all the desk, the API, everything that is no GET, and every answer that a cookie or a session could have a part in:

    /static/<version>/...     the shell: from the phone first; all of it is there from installation on, also that of the version
                              before, so that a page which is open while the server is updated finds its own modules
    /<d>/pack/index.json      the network first; the phone after 3 s or a failure; so pins.json and pages.json
    /<d>/pack/<hash>, ?v=     the phone first: the name says what it holds; what the index no longer names is let go
    /<d>/tiles/...            the phone first, 600 of each district, the oldest go; an absent tile (204) is kept like any other
    /<d>/, /<d>/p/<id>, /     pages: the network first; the phone after 3 s or a failure: the page as visited, else as kept
                              with all places (pages.json), else the district's page, else the last district's

An answer from the phone in place of the network's carries `x-from-cache: 1` and `x-kept-at` (milliseconds since 1970).
*/

/* global VERSION, SHELL, RESERVED */

const TIMEOUT_MS = 3000;
const MOST_TILES = 600;
const MOST_PAGES = 60;
const OURS = `shell-${VERSION}`;
const PAGES = "pages";
const LOOSE = { ignoreVary: true };

const isDistrict = (name) => !RESERVED.includes(name);
const keepable = ({ status, type, redirected, headers }) =>
  (status === 200 || status === 204) &&
  type === "basic" &&
  !redirected &&
  !/no-store|private/i.test(headers.get("Cache-Control") ?? "") &&
  !/cookie|\*/i.test(headers.get("Vary") ?? "");

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(OURS)
      .then((cache) => cache.addAll(SHELL))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOldShells().then(() => self.clients.claim()));
});

async function dropOldShells() {
  const shells = (await caches.keys()).filter((name) => name.startsWith("shell-") && name !== OURS);
  // names come in the order they were made; the last is that of pages that are still open
  await Promise.all(shells.slice(0, -1).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || request.headers.has("Range")) return;
  const answer = ruleFor(url, request, event);
  if (answer) event.respondWith(answer());
});

function ruleFor(url, request, event) {
  const { pathname, searchParams } = url;
  if (pathname.startsWith("/static/")) return () => fromShell(request);
  if (pathname === "/") return request.mode === "navigate" ? () => page(url, "", event) : null;
  const [, district, rest] = /^\/([a-z0-9-]{1,40})\/(.*)$/.exec(pathname) ?? [];
  if (!district || !isDistrict(district)) return null;
  if (rest === "" || /^p\/(?!.*\/say$)/.test(rest)) return () => page(url, district, event);
  if (rest === "pack/index.json") return () => index(request, district, event);
  if (rest === "pages.json" || rest === "pins.json") return () => networkFirst(request, `pack-${district}`, event);
  if (/^tiles\/\d+\/\d+\/\d+/.test(rest)) return () => tile(request, district, event);
  if (/^pack\/[^/]+-[0-9a-f]{8,}\.\w+$/.test(rest)) return () => phoneFirst(request, `pack-${district}`, event);
  if (searchParams.has("v") && !rest.includes("/")) return () => phoneFirst(request, `look-${district}`, event, 8);
  return null;
}

/* Answers */

async function fromShell(request) {
  for (const name of await caches.keys()) {
    if (!name.startsWith("shell-")) continue;
    const held = await (await caches.open(name)).match(request, LOOSE);
    if (held) return held;
  }
  return fetch(request);
}

async function phoneFirst(request, name, event, most = 0) {
  const cache = await caches.open(name);
  const held = await cache.match(request, LOOSE);
  if (held) return held;
  const answer = await fetch(request);
  if (keepable(answer)) {
    const copy = answer.clone();
    event.waitUntil(keep(cache, request.url, copy).then(() => most && trim(cache, most)));
  }
  return answer;
}

let tilesKept = 0;

async function tile(request, district, event) {
  // counting is slow, so the cap is looked after now and then
  tilesKept += 1;
  return phoneFirst(request, `tiles-${district}`, event, tilesKept % 25 ? 0 : MOST_TILES);
}

async function networkFirst(request, name, event) {
  const cache = await caches.open(name);
  const held = await cache.match(request, LOOSE);
  const network = ask(event, request, (answer) => keepable(answer) && keep(cache, request.url, answer));
  return held ? ((await inTime(network)) ?? fromPhone(held)) : network;
}

/** Ask the network; what is to be kept is kept even if the phone has answered meanwhile. */
function ask(event, request, store) {
  const network = fetch(request).then((answer) => {
    // a proxy whose server is gone says so in these words
    if (answer.status >= 502 && answer.status <= 504) throw new TypeError(`${answer.status}`);
    return { answer, stored: store(answer.clone()) };
  });
  event.waitUntil(network.then(({ stored }) => stored).catch(() => undefined));
  return network.then(({ answer }) => answer);
}

async function index(request, district, event) {
  const cache = await caches.open(`pack-${district}`);
  const held = await cache.match(request, LOOSE);
  const network = ask(event, request, (answer) => keepable(answer) && takeIndex(cache, request.url, answer, held));
  return held ? ((await inTime(network)) ?? fromPhone(held)) : network;
}

/** A new index counts when its files are here: a page that opens offline would look for what is not. */
async function takeIndex(cache, url, answer, held) {
  const text = await answer.clone().text();
  if (held) {
    const { profiles, places, hours, names, boundary } = JSON.parse(text);
    const files = [places, hours, names, boundary, ...profiles].map((part) => part?.file).filter(Boolean);
    const kinds = (await cache.keys()).map((key) => kindOf(key.url));
    for (const file of files) {
      const path = url.replace("index.json", file);
      if (!kinds.includes(kindOf(path)) || (await cache.match(path, LOOSE))) continue;
      const got = await fetch(path);
      if (!keepable(got)) return;
      await keep(cache, path, got);
    }
  }
  await keep(cache, url, answer);
  await dropUnnamed(cache, text);
}

const kindOf = (url) => /\/pack\/([^/]+)-[0-9a-f]{8,}\.\w+$/.exec(url)?.[1];

/** What the new index does not name is of no use to anybody, once pages that have the old one had time to read it. */
async function dropUnnamed(cache, text) {
  for (const { url } of await cache.keys()) {
    const file = /\/pack\/([^/]+-[0-9a-f]{8,}\.\w+)$/.exec(url)?.[1];
    const held = file && !text.includes(file) && (await cache.match(url, LOOSE));
    if (held && Date.now() - keptAt(held) > 3_600_000) await cache.delete(url);
  }
}

/* Pages */

async function page(url, district, event) {
  const path = url.pathname + url.search;
  const held = await heldPage(url, district);
  const network = ask(event, event.request, (answer) => isPage(answer) && keepPage(path, answer));
  if (held) return (await inTime(network)) ?? fromPhone(held);
  return network.catch(async () => (await districtPage(district)) ?? apology());
}

const isPage = (answer) =>
  answer.status === 200 && keepable(answer) && /^text\/html/.test(answer.headers.get("Content-Type") ?? "");

async function keepPage(path, answer) {
  const cache = await caches.open(PAGES);
  await keep(cache, path, answer);
  await trim(cache, MOST_PAGES);
}

async function heldPage(url, district) {
  const cache = await caches.open(PAGES);
  const visited = await cache.match(url.pathname + url.search, LOOSE);
  if (visited) return visited;
  const other = await newest(cache, (one) => one.pathname === url.pathname && langOf(one) === langOf(url));
  if (other) return cache.match(other, LOOSE);
  const place = /^\/[^/]+\/p\/(.+)$/.exec(url.pathname)?.[1];
  return place ? placePage(district, decodeURIComponent(place), url.search) : null;
}

/** A place's page as it came with all others of its district. */
async function placePage(district, place, search) {
  const cache = await caches.open(`pack-${district}`);
  const path = `/${district}/pages.json`;
  const held = (await cache.match(path + search, LOOSE)) ?? (await cache.match(path, { ...LOOSE, ignoreSearch: true }));
  if (!held) return null;
  const { headers, pages } = await held.clone().json();
  if (!Object.hasOwn(pages, place)) return null;
  return new Response(pages[place], { headers: { ...headers, "x-kept-at": String(keptAt(held)) } });
}

/** The district's page as visited last, under any query; without a district, the way to the last one. */
async function districtPage(district) {
  const cache = await caches.open(PAGES);
  const url = await newest(cache, ({ pathname }) =>
    district ? pathname === `/${district}/` : /^\/[^/]+\/$/.test(pathname),
  );
  if (!url) return null;
  // to show a district under the start page's address would break its links
  return district ? fromPhone(await cache.match(url, LOOSE)) : Response.redirect(new URL(url).pathname, 302);
}

const langOf = ({ searchParams }) => searchParams.get("lang");

async function newest(cache, isMeant) {
  const found = [];
  for (const { url } of await cache.keys()) {
    if (isMeant(new URL(url))) found.push({ url, at: keptAt(await cache.match(url, LOOSE)) });
  }
  return found.sort((a, b) => b.at - a.at)[0]?.url;
}

function apology() {
  const body = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>离线 · Offline</title><h1>离线 · Offline</h1><p>这一页还没有存到手机上，连上网再打开一次。</p>
<p lang="en">This page is not on the phone yet; open it once with a network.</p></html>`;
  const headers = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'" };
  return new Response(body, { status: 503, headers });
}

/* Keeping */

const keptAt = (answer) => Number(answer.headers.get("x-kept-at")) || 0;

/** The network's answer if it comes, and in time. */
async function inTime(network) {
  const late = new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS, null));
  try {
    return await Promise.race([network, late]);
  } catch {
    return null;
  } finally {
    network.catch(() => undefined);
  }
}

async function keep(cache, key, answer) {
  const headers = new Headers(answer.headers);
  headers.delete("Content-Encoding"); // the body is plain by now
  headers.delete("Content-Length");
  headers.set("x-kept-at", String(Date.now()));
  const body = answer.status === 204 ? null : await answer.blob();
  await cache.put(key, new Response(body, { status: answer.status, headers }));
}

function fromPhone(held) {
  const headers = new Headers(held.headers);
  headers.set("x-from-cache", "1");
  return new Response(held.body, { status: held.status, headers });
}

async function trim(cache, most) {
  const held = await cache.keys();
  await Promise.all(held.slice(0, Math.max(0, held.length - most)).map((key) => cache.delete(key)));
}
