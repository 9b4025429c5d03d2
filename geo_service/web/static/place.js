// A place's page: the chooser, what one can tell of it, sharing, and a state that does not grow old in a kept copy.

import { makeChooser } from "./links/chooser.js";
import { fill, words } from "./rider/words.js";

const SHANGHAI_MS = 8 * 3600 * 1000;
const DAY_MS = 86_400_000;
const OLD_MS = 90_000;
const AGAIN_MS = 60_000;
const SHOWN_DAYS = 7;

const { base, id, made } = document.body.dataset;
const two = (n) => String(n).padStart(2, "0");
const there = (ms) => new Date(ms + SHANGHAI_MS);
const clockOf = (iso) => iso.slice(11, 16);

// --- the state, brought up to date ---------------------------------------------------------

function whenWords(iso, now) {
  const time = clockOf(iso);
  const days = Math.floor((Date.parse(iso) + SHANGHAI_MS) / DAY_MS) - Math.floor((now + SHANGHAI_MS) / DAY_MS);
  if (days === 0) return time;
  if (days === 1) return time === "00:00" ? "24:00" : fill(words.tomorrow, { time });
  return days < 7 ? `${words.weekdays[(there(Date.parse(iso)).getUTCDay() + 6) % 7]} ${time}` : `${iso.slice(5, 10)} ${time}`;
}

function timeWords({ state, open_until: until, opens_at: opens }, now, service) {
  if (state === "closed") return opens ? fill(words.opens, { time: whenWords(opens, now) }) : "";
  if (state === "unknown") return "";
  return until ? fill(words.until, { time: whenWords(until, now) }) : service ? "" : words.all_day;
}

function element(name, className, text) {
  const one = document.createElement(name);
  one.className = className;
  one.textContent = text;
  return one;
}

function showState(box, said, now, service) {
  const time = timeWords(said, now, service);
  const parts = [element("b", `state ${said.state}`, words[said.state])];
  if (time && service) parts.push(" ", element("span", "until", time));
  else if (time) parts.push(" ", Object.assign(element("i", "", "·"), { ariaHidden: "true" }), ` ${time}`);
  box.replaceChildren(...parts);
}

// Rows carry their dates, so a copy that was kept for days still marks the right one.
function markWeek(now) {
  const local = there(now);
  const today = local.toISOString().slice(0, 10);
  const rows = [...document.querySelectorAll(".week tr[data-on]")];
  const first = rows.findIndex((row) => row.dataset.on === today);
  if (first < 0) return;
  rows.forEach((row, i) => {
    const is = i === first;
    row.hidden = i < first || i >= first + SHOWN_DAYS;
    row.classList.toggle("today", is);
    row.querySelector(".mark").hidden = !is;
    const mark = row.querySelector("rect.now");
    mark.toggleAttribute("hidden", !is);
    if (is) mark.setAttribute("x", String(local.getUTCHours() * 60 + local.getUTCMinutes() - 6));
  });
}

let opening = null;

async function knownPhone() {
  const [{ openPhone }, { load }] = await Promise.all([import("./phone/phone.js"), import("./rider/keep.js")]);
  return openPhone({ base, load });
}

async function renewState(now) {
  const phone = await (opening ??= knownPhone());
  const place = phone.place(id);
  if (!place) throw new Error("gone");
  showState(document.getElementById("state"), phone.state(place, now), now, false);
  for (const row of document.querySelectorAll(".service[data-kind]")) {
    const box = row.querySelector(".svc-now");
    if (box) showState(box, phone.state(place, now, [row.dataset.kind]), now, true);
  }
}

async function renew() {
  const now = Date.now();
  markWeek(now);
  if (now - Date.parse(made) < OLD_MS) return;
  try {
    await renewState(now);
  } catch {
    opening = null;
    const note = document.getElementById("as-of");
    const at = there(Date.parse(made));
    const time = `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ${clockOf(made)}`;
    note.textContent = fill(words.page_as_of, { time });
    note.hidden = false;
  }
}

// --- telling us ----------------------------------------------------------------------------

function wireTelling() {
  const form = document.querySelector(".tell form");
  const told = document.querySelector(".told");
  const say = (outcome) => {
    told.textContent = words[`tell_${outcome}`];
    told.hidden = false;
  };
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button?.value) return;
    event.preventDefault();
    const buttons = [...form.querySelectorAll("button")];
    for (const one of buttons) one.disabled = true;
    button.setAttribute("aria-pressed", "true");
    try {
      const { onTold, tell } = await import("./rider/queue.js");
      const stop = onTold(({ place, outcome }) => place === id && say(outcome));
      const outcome = await tell(id, button.value);
      if (outcome === "queued") say(outcome);
      else stop();
    } catch {
      // without the queue the form goes the old way
      for (const one of buttons) one.disabled = false;
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "claim", value: button.value }));
      form.submit();
    }
  });
}

// --- sharing -------------------------------------------------------------------------------

function wireSharing() {
  const button = document.getElementById("share");
  const label = button.querySelector("span");
  const url = location.origin + location.pathname;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      label.textContent = words.page_shared;
    } catch {
      const field = Object.assign(element("input", "copy", ""), { value: url, readOnly: true, ariaLabel: words.nav_copy });
      button.replaceWith(field);
      field.select();
    }
  };
  button.addEventListener("click", async () => {
    if (!navigator.share) return copy();
    try {
      await navigator.share({ title: button.dataset.title, url });
    } catch (error) {
      if (error.name !== "AbortError") await copy();
    }
  });
  button.hidden = false;
}

makeChooser();
wireTelling();
wireSharing();
renew();
setInterval(renew, AGAIN_MS);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && renew());
import("./rider/offline.js").catch(() => undefined);
document.documentElement.dataset.ready = "yes";
