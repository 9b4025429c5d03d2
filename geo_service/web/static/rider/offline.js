// Says when the server is not there and how old the data are, and has the district kept for such times.

import * as keep from "./keep.js";

const { offline_now, offline_minutes, offline_hours, offline_days, offline_never, close } = JSON.parse(
  document.getElementById("words").textContent,
);
const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

const made = Date.parse(document.body.dataset.made) || Infinity; // what a kept page says is as old as the page
let banner = null;
let state = { online: true, asOf: null };

function bannerWords() {
  const asOf = Math.min(state.asOf ?? Infinity, made);
  if (asOf === Infinity) return offline_never;
  const age = Math.max(0, (Date.now() - asOf) / 1000);
  const say = (words, unit) => words.replace("{n}", Math.floor(age / unit));
  if (age < MINUTE_S) return offline_now;
  if (age < HOUR_S) return say(offline_minutes, MINUTE_S);
  return age < 2 * DAY_S ? say(offline_hours, HOUR_S) : say(offline_days, DAY_S);
}

function show() {
  if (!banner && state.online) return;
  if (!banner) {
    banner = document.createElement("p");
    banner.className = "offline";
    banner.setAttribute("role", "status");
    document.querySelector("header").append(banner);
  }
  banner.textContent = state.online ? "" : bannerWords();
  banner.hidden = state.online;
}

// Without a service worker a link to a page leads nowhere offline: what was kept of it is shown over this one.
async function openKept(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || state.online || navigator.serviceWorker?.controller || event.defaultPrevented) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !/^\/[^/]+\/p\//.test(url.pathname)) return;
  event.preventDefault();
  const html = await keep.recall(url.pathname);
  if (html) showKept(new DOMParser().parseFromString(html, "text/html"));
}

function showKept(page) {
  const main = page.querySelector("main");
  // what was said of "now" is no longer true, and forms and scripts do not work from here
  for (const stale of main.querySelectorAll("#state, .title .facts > i, .state, .svc-now, .mark, rect.now, form, button")) stale.remove();
  for (const { href } of page.querySelectorAll("link[rel=stylesheet]:not([media])")) {
    if (document.head.querySelector(`link[href="${CSS.escape(new URL(href).pathname)}"]`)) continue;
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  }
  const dialog = document.createElement("dialog");
  dialog.className = `kept ${page.body.className}`;
  const shut = Object.assign(document.createElement("button"), { type: "button", className: "close", textContent: close });
  shut.addEventListener("click", () => dialog.close());
  dialog.append(shut, document.importNode(main, true));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// What a home screen asks for is asked for only by those who stay.
function offerHomeScreen() {
  for (const [rel, href] of [["manifest", "/manifest.webmanifest"], ["apple-touch-icon", "/icons/icon-192.png"]]) {
    document.head.append(Object.assign(document.createElement("link"), { rel, href }));
  }
}

function begin() {
  offerHomeScreen();
  keep.onConnection((now) => {
    state = now;
    show();
  });
  setInterval(show, MINUTE_S * 1000);
  document.addEventListener("click", openKept);
  keep.startKeeping();
}

begin();

export { keep };
