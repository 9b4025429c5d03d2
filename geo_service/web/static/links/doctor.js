// The link doctor's notes: kept on this phone, handed on as text or JSON by the tester alone.

import { fill, words } from "../rider/words.js";
import { isWeb, launchUrl, readAgent, worksOn } from "./platform.js";

const { district, spot, lonlat } = document.body.dataset;
const KEY = `link-doctor-${district}`;
const here = readAgent();
const trials = [...document.querySelectorAll(".trial")];
const [lon, lat] = lonlat.split(",").map(Number);
let kept = {};

function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // storage may be forbidden: the notes then last as long as the page
  }
}

function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    return; // as above
  }
}

const noteKey = ({ dataset }) => `${dataset.app} ${dataset.mode}`;

function report() {
  const results = Object.values(kept).sort((a, b) => (a.app + a.mode < b.app + b.mode ? -1 : 1));
  return { format: 1, district, crossing: { name: spot, lon, lat }, agent: navigator.userAgent, results };
}

function asText({ crossing, agent, results }) {
  const line = ({ app, mode, datum, saw, off_m: n, at }) =>
    `${app} · ${mode} · ${datum}: ${fill(words[`doctor_${saw}`], { n: n ?? "?" })} (${at.slice(0, 10)})`;
  const head = [`${crossing.name} ${lon}, ${lat} (WGS-84)`, agent];
  return [...head, ...(results.length ? results.map(line) : [words.doctor_none])].join("\n");
}

function show() {
  const said = report();
  document.querySelector("#result pre").textContent = asText(said);
  document.getElementById("save").href = `data:application/json;charset=utf-8,${encodeURIComponent(JSON.stringify(said, null, 1))}`;
}

function note(trial) {
  const { app, mode, datum, url } = trial.dataset;
  const saw = trial.querySelector("input[type=radio]:checked")?.value;
  const far = trial.querySelector(".far");
  far.hidden = saw !== "off";
  if (!saw) return;
  const metres = Number(far.querySelector("input").value);
  kept[noteKey(trial)] = { app, mode, datum, url, saw, off_m: saw === "off" && metres > 0 ? Math.round(metres) : null, at: new Date().toISOString() };
  keep();
  show();
}

function fillIn(trial) {
  const known = kept[noteKey(trial)];
  for (const input of trial.querySelectorAll("input[type=radio]")) input.checked = known?.saw === input.value;
  trial.querySelector(".far").hidden = known?.saw !== "off";
  trial.querySelector(".far input").value = known?.off_m ?? "";
}

function prepare(trial) {
  const { url, family, package: name, platform } = trial.dataset;
  const web = trials.find((one) => one.dataset.family === family && isWeb(one.dataset.url))?.dataset.url;
  trial.querySelector("a").href = launchUrl({ url, package: name }, web, here);
  trial.querySelector("fieldset").hidden = false;
  trial.addEventListener("input", () => note(trial));
  if (!worksOn(platform, here)) document.querySelector("#elsewhere ul").append(trial);
}

kept = recall();
for (const trial of trials) {
  prepare(trial);
  fillIn(trial);
}
const elsewhere = document.getElementById("elsewhere");
elsewhere.hidden = !elsewhere.querySelector(".trial");
document.getElementById("result").hidden = false;
document.getElementById("copy").addEventListener("click", async ({ currentTarget }) => {
  const text = asText(report());
  try {
    await navigator.clipboard.writeText(text);
    currentTarget.textContent = words.doctor_copied;
  } catch {
    getSelection().selectAllChildren(document.querySelector("#result pre"));
  }
});
document.getElementById("clear").addEventListener("click", () => {
  kept = {};
  keep();
  trials.forEach(fillIn);
  show();
});
show();
document.documentElement.dataset.ready = "yes";
