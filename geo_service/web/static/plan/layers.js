// Layers of an hour on the streets, laid over the map when somebody asks for them and drawn again when things settle.

import { post } from "./ask.js";

const ORDER = ["trust", "streets", "catchments", "service_areas", "gaps"];

function styleOf(part, cutoff) {
  return ({ properties: facts }) => {
    if (part === "streets") {
      const cost = facts.minutes ?? facts.metres ?? null;
      const step = cost === null ? "far" : cost <= cutoff / 2 ? "near" : cost <= cutoff ? "in" : "out";
      return { className: `street ${step}`, weight: 3, interactive: false };
    }
    if (part === "trust") return { className: `part trust ${facts.is_doubtful_gap ? "doubtful" : ""}`, weight: 1, interactive: false };
    if (part === "catchments") return { color: facts.stroke, weight: 4, opacity: 0.75, interactive: false };
    return { className: `part ${part} ${facts.at_least_places === 2 ? "two" : ""}`, weight: 1.5, interactive: false };
  };
}

export function makeLayers(map, base, { given, say, doubt, words }) {
  const shown = new Map();
  let counter = 0;

  async function draw(part) {
    const mine = ++counter;
    shown.set(part, { mine, layer: shown.get(part)?.layer });
    say(words.drawing);
    const drawn = await post(`${base}areas.json`, { ...given(), part });
    if (shown.get(part)?.mine !== mine) return;
    shown.get(part).layer?.remove();
    const layer = L.geoJSON(drawn, { style: styleOf(part, given().parameters.metres ?? given().parameters.minutes), pane: "parts" }).addTo(map);
    shown.set(part, { mine, layer });
    if (part === "trust") doubt(drawn.says);
    for (const one of ORDER) shown.get(one)?.layer?.bringToFront();
    say("");
  }

  const fail = (error) => say(words.failed.replace("{why}", error.message));
  return {
    toggle(part, isOn) {
      if (isOn) return draw(part).catch(fail);
      shown.get(part)?.layer?.remove();
      shown.delete(part);
      if (part === "trust") doubt(null);
      return Promise.resolve();
    },
    again: () => Promise.all([...shown.keys()].map((part) => draw(part).catch(fail))),
  };
}
