// Links into map apps, written on the phone from the pack's templates (`index.apps`, see exchange/navphone.py).
// They are the server's `build_links` letter by letter; a test in the browser compares them.

import { convertDatum, inExtent } from "./datum.js";

const BLANK = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu;
// what Python calls a blank: without the zero-width mark that \s has
const BLANKS = /[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+/;

export const cleanName = (name) => name.replace(BLANK, " ").split(BLANKS).filter(Boolean).join(" ");

const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

// Characters that would end the name inside its own value become their full-width twins.
function withoutReserved(reserved, name) {
  return [...name].map((c) => (reserved.includes(c) ? String.fromCharCode(c.charCodeAt(0) + 0xfee0) : c)).join("");
}

// Six decimals as Python rounds them: an exact half, which only multiples of 1/128 can be, goes to the even one.
export function degrees(value) {
  let text = value.toFixed(6);
  const odd = value * 128;
  if (Number.isInteger(odd) && odd % 2 && Number(text.at(-1)) % 2) {
    text = (value - Math.sign(value) * 5e-7).toFixed(6);
  }
  return text === "-0.000000" ? "0.000000" : text;
}

// What a place's links need to know of its point. The pack's places come with `gcj02` and `extents` (names of those
// they lie in), as the server worked them out; of any other point both are worked out here.
function spotOf(apps, { lonlat, gcj02, extents: known }) {
  const lies = ([name, share]) => [name, known ? known.includes(name) : inExtent(share, lonlat)];
  const extents = Object.fromEntries(Object.entries(apps.extents).map(lies));
  return { extents, wgs84: lonlat, gcj02: gcj02 ?? convertDatum(lonlat, "wgs84", "gcj02", () => true) };
}

function writeLink(apps, target, spot, name, mode) {
  const datum = spot.extents[target.shifted_in] ? target.datum : "wgs84";
  const sent = apps.modes[mode].find((known) => known in target.templates);
  const [lon, lat] = spot[datum].map(degrees);
  const holes = { lon, lat, name: encode(withoutReserved(target.reserved, name)) };
  return {
    app: target.id,
    url: target.templates[sent].replace(/\{(lon|lat|name)\}/g, (_, hole) => holes[hole]),
    datum,
    mode: sent === "place" ? null : sent,
    target,
    warning: spot.extents.mainland ? target.warning : null,
  };
}

// `place` is {lonlat: [lon, lat] of the entrance in WGS 84, name, gcj02?, extents?}. The links come in the order
// of the buttons; outside the mainland without the Chinese apps.
export function buildLinks(apps, place, mode = "ebike") {
  const spot = spotOf(apps, place);
  const name = cleanName(place.name);
  return apps.targets
    .filter((target) => spot.extents.mainland || !target.mainland_only)
    .map((target) => writeLink(apps, target, spot, name, mode));
}
