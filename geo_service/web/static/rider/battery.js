// How far the battery still goes, what must be left, and which cabinet fits: only what can be reached is listed then.

import { ask, openFor } from "./ask.js";
import { fill, roundWords, words } from "./words.js";

const KEY = "battery";

const form = document.getElementById("battery-panel");
const button = document.getElementById("battery");
const part = (id) => document.getElementById(id);

let wired = false;

function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // storage may be forbidden, or hold something else
  }
}

function keep(battery) {
  try {
    localStorage.setItem(KEY, JSON.stringify(battery));
  } catch {
    // storage may be forbidden: then it lasts for this page
  }
}

function offer(select, values, chosen) {
  const known = [...new Set(values.filter(Boolean))].sort((a, b) => (a > b ? 1 : -1));
  const options = [new Option(select.dataset.any, ""), ...known.map((value) => new Option(value, value))];
  select.replaceChildren(...options);
  select.value = known.some((value) => String(value) === String(chosen)) ? chosen : "";
}

function fillIn(phone, rider) {
  const before = recall();
  const powers = phone.places.filter(({ layer, power }) => layer === rider.layer && power).map(({ power }) => power);
  offer(part("operator"), powers.map(({ operator }) => operator), before.operator);
  offer(part("plan"), powers.map(({ plan }) => plan), before.plan);
  offer(part("voltage"), powers.flatMap(({ voltage_v: volts }) => volts), before.voltage);
  if (!rider.battery && before.range_m) part("range").value = before.range_m / 1000;
  if (!rider.battery && before.reserve_m !== undefined) part("reserve").value = before.reserve_m / 1000;
  const via = form.querySelector(".via");
  via.hidden = !rider.to;
  if (rider.to) via.querySelector("span").textContent = fill(words.via, { name: rider.to.name });
}

function say() {
  for (const id of ["range", "reserve"]) part(`${id}-words`).textContent = roundWords(Number(part(id).value) * 1000);
}

function read(rider) {
  return {
    range_m: Number(part("range").value) * 1000,
    reserve_m: Number(part("reserve").value) * 1000,
    operator: part("operator").value || null,
    plan: part("plan").value || null,
    voltage: part("voltage").value ? Number(part("voltage").value) : null,
    via: Boolean(rider.to) && part("via").checked,
  };
}

async function apply(rider) {
  const battery = read(rider);
  keep(battery);
  await ask(rider, { battery });
}

function show(is) {
  form.hidden = !is;
  button.setAttribute("aria-expanded", String(is));
}

function wire(rider) {
  wired = true;
  const failed = () => rider.say(words.failed_offline);
  form.addEventListener("input", say);
  form.addEventListener("change", () => rider.battery && apply(rider).catch(failed));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(false);
    apply(rider).catch(failed);
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    show(false);
    ask(rider, { battery: null }).catch(failed);
  });
}

/** Open or close the panel. */
export async function toggleBattery(rider) {
  if (!wired) wire(rider);
  if (!form.hidden) return show(false);
  fillIn(await openFor(rider), rider);
  say();
  show(true);
  rider.list.scrollTop = 0;
  part("range").focus({ preventScroll: true });
}
