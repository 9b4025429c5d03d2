/*
What a rider tells us of a place, sent now or when the network is back: once.

    import { tell, onTold } from "./rider/queue.js";

    await tell(id, "right" | "shut_now" | "wrong")   -> "sent" | "queued"
    onTold(({ place, what, outcome }) => ...)        each saying that is done: "sent", or "refused" by the server

    POST /<d>/p/<id>/say        application/x-www-form-urlencoded, Accept: application/json
      claim   as above
      key     random UUID of this one tap: a saying whose key was seen before is answered 200 and not counted again
      age_s   whole seconds since the tap; the server takes its own present less this: phones' clocks are wrong
    2xx: done. 429, 5xx or no answer: stays queued. Any other 4xx: refused, let go, and told.

A saying is put down before it is sent and taken away after the answer, so a page that is closed between loses nothing; the key
makes the server count it once however often it arrives. Several tabs: one sends at a time (Web Locks), the key covers browsers
without locks. Sayings leave when they are told, when the connection is back, when the page is looked at again, and when
any page of the district is opened. Nothing of who or where is sent: a place, a claim, a random number, an age.
*/

import { onConnection } from "./keep.js";
import { all, remove, write } from "./shelf.js";

const LIFE_MS = 7 * 86_400_000; // what was seen a week ago says nothing of today
const LOCK = "geo-service-sayings";
const KEY = "geo-service-sayings";

const base = document.body?.dataset.base ?? `/${location.pathname.split("/")[1]}/`;
const listeners = new Set();

export function onTold(callback) {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

export async function tell(place, what) {
  const saying = { key: uuid(), base, place, what, at: Date.now() };
  if (!(await write("sayings", saying.key, saying))) writeAside(saying);
  const done = await flush();
  // another flush, of this page or another tab, may have been quicker
  return done.has(saying.key) || !(await isWaiting(saying.key)) ? "sent" : "queued";
}

const isWaiting = async (key) => [...readAside(), ...(await all("sayings"))].some((saying) => saying.key === key);

/** Send what waits; gives the keys of what is done. */
export async function flush() {
  const send = () => sendAll(new Set());
  return navigator.locks ? navigator.locks.request(LOCK, send) : send();
}

async function sendAll(done) {
  const waiting = new Map([...readAside(), ...(await all("sayings"))].map((saying) => [saying.key, saying]));
  for (const saying of [...waiting.values()].sort((a, b) => a.at - b.at)) {
    const outcome = Date.now() - saying.at > LIFE_MS ? "refused" : await send(saying);
    if (outcome === "later") break;
    await remove("sayings", saying.key);
    dropAside(saying.key);
    done.add(saying.key);
    for (const listener of listeners) listener({ place: saying.place, what: saying.what, outcome });
  }
  return done;
}

async function send(saying) {
  const body = new URLSearchParams({
    claim: saying.what,
    key: saying.key,
    age_s: String(Math.max(0, Math.round((Date.now() - saying.at) / 1000))),
  });
  try {
    const answer = await fetch(`${saying.base}p/${encodeURIComponent(saying.place)}/say`, {
      method: "POST",
      headers: { Accept: "application/json" },
      credentials: "omit",
      body,
    });
    if (answer.ok) return "sent";
    return answer.status === 429 || answer.status >= 500 ? "later" : "refused";
  } catch {
    return "later"; // no network; the connection's return tries again
  }
}

function uuid() {
  // randomUUID is only given to pages over HTTPS
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/* Where IndexedDB is refused, localStorage may be granted. */

function readAside() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}

function setAside(sayings) {
  try {
    if (sayings.length) localStorage.setItem(KEY, JSON.stringify(sayings));
    else localStorage.removeItem(KEY);
  } catch {
    return; // refused too: memory holds it while the page is open
  }
}

const writeAside = (saying) => setAside([...readAside(), saying]);
const dropAside = (key) => {
  const sayings = readAside();
  if (sayings.some((saying) => saying.key === key)) setAside(sayings.filter((saying) => saying.key !== key));
};

onConnection(({ online }) => online && void flush());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void flush());
