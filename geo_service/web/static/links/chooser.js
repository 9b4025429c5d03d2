// Which map app? Asked once; afterwards the button goes straight there. A long press, the menu key or "change"
// asks again. Links come from the server's list in the page, or are made of the pack's templates.
//
//   makeChooser({find})                            wires every card's button and every [data-navigate], also later ones
//   openChooser(place, {apps, onward, via, mode, ask})
//       place   {target or lonlat or lon and lat, name, gcj02?, extents?}: a place of the pack, or any point with a name
//       apps    index.apps of the pack (handed over once with setTemplates)
//       onward  where one goes after the stop `place`: the dialog then holds two links, to the stop and onward
//       via     the other way to say the same: the stop on the way to `place`
//       ask     true asks though an app is remembered
//   onRemembered(callback)                         called with the label of the remembered app, or null

import { fill, words } from "../rider/words.js";
import { isWeb, launchUrl, readAgent, worksOn } from "./platform.js";

const KEY = "map-app";
const HOLD_MS = 500;
const MOVED_PX = 10;
const NOT_OPENED_MS = 2500;

const listeners = [];
let templates = null;

export const setTemplates = (apps) => {
  templates = apps;
};

// --- the remembered app -------------------------------------------------------------------

const recall = () => {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null; // storage may be forbidden: then the question is asked each time
  }
};

function remember(app, label) {
  try {
    if (app) localStorage.setItem(KEY, JSON.stringify({ app, label }));
    else localStorage.removeItem(KEY);
  } catch {
    return; // as above
  }
  for (const tell of listeners) tell(app ? label : null);
}

export const forget = () => remember(null);

export function onRemembered(tell) {
  listeners.push(tell);
  tell(recall()?.label ?? null);
}

// --- links of a place ---------------------------------------------------------------------

function readItem(item) {
  const link = item.querySelector(".link");
  const { app, label, family, package: name, mode } = link.dataset;
  return {
    app,
    label,
    family,
    package: name,
    mode: mode || null,
    platform: item.dataset.platform,
    url: link.getAttribute("href"),
    datum: link.querySelector("small")?.textContent ?? "",
    warning: link.querySelector(".warning")?.textContent ?? "",
  };
}

const linksIn = (list) => [...list.querySelectorAll("li")].map(readItem);

const DATUMS = { wgs84: "WGS-84", gcj02: "GCJ-02", bd09: "BD-09" };

async function linksTo(place, mode, apps) {
  const { buildLinks } = await import("./links.js");
  const lonlat = place.lonlat ?? place.target ?? [place.lon, place.lat];
  const column = document.documentElement.lang === "en" ? "en" : "zh";
  return buildLinks(apps, { ...place, lonlat }, mode).map(({ app, url, datum, mode: sent, target, warning }) => ({
    app,
    label: target[column],
    family: target.app,
    package: target.package,
    mode: sent,
    platform: target.platform,
    url,
    datum: DATUMS[datum],
    warning: warning?.[column] ?? "",
  }));
}

const webOf = (link, links) => links.find(({ family, url }) => family === link.family && isWeb(url))?.url;
const canOpen = (link, here) => worksOn(link.platform, here) && (here.opensApps || isWeb(link.url));

// --- the dialog ---------------------------------------------------------------------------

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

// its looks come with this file, so that they are there before the first question
const looks = { rel: "stylesheet", href: new URL("chooser.css", import.meta.url).href };
document.head.append(Object.assign(element("link"), looks));

function dialog() {
  const there = document.getElementById("chooser");
  if (there?.dataset.made) return there;
  const made = there ?? document.body.appendChild(element("dialog"));
  made.id = "chooser";
  made.dataset.made = "yes";
  made.setAttribute("aria-labelledby", "chooser-name");
  const form = element("form");
  form.method = "dialog";
  form.append(element("button", "close", words.nav_close));
  const body = element("div", "legs");
  body.setAttribute("role", "status");
  made.replaceChildren(element("p", "question"), Object.assign(element("h2"), { id: "chooser-name" }), body, form);
  // a tap beside the dialog closes it
  made.addEventListener("click", (event) => event.target === made && made.close());
  return made;
}

function row(link, links, here, after) {
  const item = element("li", link.warning ? "warned" : "");
  const anchor = element("a", "link");
  anchor.href = launchUrl(link, webOf(link, links), here);
  anchor.rel = "noreferrer";
  anchor.dataset.app = link.app;
  if (isWeb(link.url) && here.os === "desktop") anchor.target = "_blank";
  const how = words[`nav_mode_${link.mode ?? "place"}`];
  anchor.append(element("b", "", link.label), element("small", "", `${how} · ${link.datum}`));
  if (link.warning) anchor.append(element("small", "warning", link.warning));
  anchor.addEventListener("click", () => after(link));
  item.append(anchor);
  item.dataset.platform = link.platform;
  return item;
}

function list(links, here, after) {
  const made = element("ul", "links");
  made.append(...links.filter((link) => canOpen(link, here)).map((link) => row(link, links, here, after)));
  return made;
}

// One button that goes on with the remembered app: the second half of a way with a stop.
function goOn(link, links, here, text) {
  const made = element("p", "onward");
  const anchor = row(link, links, here, () => undefined).querySelector("a");
  anchor.className = "primary";
  anchor.replaceChildren(text);
  made.append(anchor);
  return made;
}

async function copyPage(button) {
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = words.nav_copied;
  } catch {
    button.replaceWith(Object.assign(element("input", "copy"), { value: location.href, readOnly: true, ariaLabel: words.nav_copy }));
  }
}

// Inside WeChat and QQ no app can be opened: say how to get out, and offer what does work.
function wayOut(here) {
  const made = element("div", "way-out");
  made.append(element("p", "notice", words[`nav_inside_${here.inApp}`]));
  const copy = element("button", "quiet", words.nav_copy);
  copy.type = "button";
  copy.addEventListener("click", () => copyPage(copy));
  made.append(copy);
  return made;
}

function show(box, name, question, parts) {
  box.querySelector(".question").textContent = question;
  box.querySelector("h2").textContent = name;
  box.querySelector(".legs").replaceChildren(...parts.filter(Boolean));
  if (!box.open) box.showModal();
}

// legs: [{name, links}], one or two.
function ask(legs, here, question = words.nav_which) {
  const box = dialog();
  const picked = (link) => {
    remember(link.app, link.label);
    if (legs.length < 2) box.close();
    else setTimeout(() => offer(legs, here, link.app));
  };
  const [first, second] = legs;
  show(box, first.name, question, [
    here.inApp && wayOut(here),
    second && element("p", "leg", fill(words.nav_first, { name: first.name })),
    list(first.links, here, picked),
    element("p", "foot", second ? fill(words.nav_then_later, { name: second.name }) : words.nav_hint),
  ]);
}

// The app is chosen and there are two ways to go: the dialog stays, with both.
function offer(legs, here, app) {
  const parts = legs.flatMap(({ name, links }, at) => {
    const link = links.find((one) => one.app === app);
    return link ? [goOn(link, links, here, fill(at ? words.nav_then : words.nav_first, { name }))] : [];
  });
  const change = element("button", "quiet", words.nav_change);
  change.type = "button";
  change.addEventListener("click", () => ask(legs, here));
  show(dialog(), legs[0].name, words.nav_two, [...parts, change]);
}

// --- going --------------------------------------------------------------------------------

// A scheme that nobody answers says nothing; if we are still in front after a while, offer the others.
function watchFor(legs, here) {
  let left = false;
  const leave = () => {
    left = true;
  };
  for (const sign of ["blur", "pagehide"]) addEventListener(sign, leave, { once: true });
  document.addEventListener("visibilitychange", leave, { once: true });
  setTimeout(() => {
    if (!left && document.visibilityState === "visible") ask(legs, here, words.nav_not_opened);
  }, NOT_OPENED_MS);
}

function go(link, links, here) {
  const anchor = row(link, links, here, () => undefined).querySelector("a");
  anchor.hidden = true;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}

function begin(legs, asked) {
  const here = readAgent();
  const known = !asked && recall()?.app;
  const link = known && legs[0].links.find((one) => one.app === known);
  if (!link || !canOpen(link, here)) return ask(legs, here);
  if (legs.length > 1) offer(legs, here, known);
  go(link, legs[0].links, here);
  if (!isWeb(link.url) && !here.takesIntents && legs.length < 2) watchFor(legs, here);
}

export async function openChooser(place, { apps = templates, onward, via, mode = "ebike", ask: asked = false } = {}) {
  const stops = via ? [via, place] : onward ? [place, onward] : [place];
  const legs = await Promise.all(
    stops.map(async (stop) => ({ name: stop.name, links: await linksTo(stop, mode, apps) })),
  );
  begin(legs, asked);
}

// --- wiring -------------------------------------------------------------------------------

const BUTTONS = "[data-navigate], .card .go > summary";

// Tells a tap from a long press, by finger, mouse and keyboard, on whatever button of the page matches: cards come
// and go. The menu key, Shift+F10 and the right button count as a long press.
function wirePresses({ tap, hold }) {
  let timer = null;
  let held = null;
  let at = null;
  const stop = () => clearTimeout(timer);
  const on = (kind, act) =>
    document.addEventListener(kind, (event) => {
      const button = event.target.closest?.(BUTTONS);
      if (button) act(button, event);
    });
  on("pointerdown", (button, event) => {
    stop();
    if (event.button) return;
    held = null;
    at = [event.clientX, event.clientY];
    timer = setTimeout(() => {
      held = button;
      hold(button);
    }, HOLD_MS);
  });
  on("pointermove", (_, event) => {
    if (at && Math.hypot(event.clientX - at[0], event.clientY - at[1]) > MOVED_PX) stop();
  });
  for (const end of ["pointerup", "pointercancel", "pointerout"]) document.addEventListener(end, stop);
  on("contextmenu", (button, event) => {
    event.preventDefault();
    stop();
    // a long press that the browser noticed first, or second
    if (held !== button) hold(button);
    held = event.pointerType === "touch" ? button : null;
  });
  on("click", (button, event) => {
    event.preventDefault();
    stop();
    if (held !== button) tap(button);
    held = null;
  });
}

// A card's name, without the character of its badge.
function nameOf(card) {
  const name = card.querySelector(".name").cloneNode(true);
  name.querySelector(".badge")?.remove();
  return name.textContent.trim();
}

function legsInPage(button) {
  const card = button.closest(".card");
  const list = card?.querySelector(".links") ?? document.getElementById(button.dataset.navigate);
  return [{ name: card ? nameOf(card) : button.dataset.name, links: linksIn(list) }];
}

function makeRemembered(line) {
  onRemembered((label) => {
    line.hidden = !label;
    if (label) line.querySelector("span").textContent = fill(words.nav_use, { app: label });
  });
  line.querySelector("button").addEventListener("click", forget);
}

// `find(button)` may give {place, ...} as openChooser takes them, for cards that the phone made itself; where it gives
// nothing, the links are those the server wrote into the page.
export function makeChooser({ find = () => null } = {}) {
  const here = readAgent();
  for (const item of document.querySelectorAll(".links > li[data-platform]")) {
    item.hidden = !worksOn(item.dataset.platform, here);
  }
  const start = (ask) => (button) => {
    const made = find(button);
    if (made) openChooser(made.place, { ...made, ask });
    else begin(legsInPage(button), ask);
  };
  wirePresses({ tap: start(false), hold: start(true) });
  for (const button of document.querySelectorAll("[data-navigate]")) button.hidden = false;
  for (const line of document.querySelectorAll(".remembered")) makeRemembered(line);
}
