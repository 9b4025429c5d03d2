// What somebody pasted: a link of a map app, the text it shares, coordinates, or an address. Read on the phone alone;
// nothing is fetched, so a short link that hides its coordinates is refused.
//
//   readPasted(text, {bbox, apps, search}) gives
//     {lon, lat, name, datum, app, unsure}    WGS 84 degrees; `datum` is the one the text was in. `unsure`: bare numbers
//                                             that do not say their datum, or the middle of a shared map
//     {refused, app, query}                   "short_link"  the link hides its coordinates; paste the full link
//                                             "swapped"     longitude and latitude stand in each other's place
//                                             "outside"     it lies elsewhere, more than 5 km from the district
//                                             "no_place"    nothing was recognised; `query` is what one may search for
//   bbox    of the district, [west, south, east, north]; without it nothing is outside
//   apps    index.apps of the pack: where the shift applies, and what Apple Maps reads
//   search  (words) => {lon, lat, name} or null: places, streets and landmarks by name, for addresses

import { bd09FromMetres, convertDatum, inExtent } from "./datum.js";

const AROUND_DEG = 0.05;
const LONGEST = 20_000;
const NUMBER = String.raw`[+-]?\d{1,3}(?:\.\d+)?`;
const PAIR = new RegExp(String.raw`^(${NUMBER})\s*[,，]\s*(${NUMBER})$`);

const SHORT = [
  ["amap", /^(?:surl|u|s|t)\.amap\.com$/],
  ["baidu", /^j\.map\.baidu\.com$/],
  ["tencent", /^(?:w\.)?url\.cn$|^qqurl\.com$/],
  ["google", /^(?:maps\.)?(?:app\.)?goo\.gl$|^g\.co$|^share\.google$/],
  ["apple", /^maps\.apple$/],
  ["", /^(?:t\.cn|dwz\.cn|suo\.im|bit\.ly|tinyurl\.com|b23\.tv)$/],
];

// --- small readers ------------------------------------------------------------------------

const decode = (text) => {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch {
    return text; // a broken escape is taken as it stands
  }
};

// Which extent an app's map is shifted in; the names are those of the pack.
const SHIFTED = { amap: "mainland_hk_macao_taiwan", baidu: "mainland_hk_macao_taiwan", tencent: "mainland_hk_macao_taiwan", google: "mainland", apple: "mainland", petal: "mainland_hk_macao" };

const latlon = (text) => {
  const found = PAIR.exec((text ?? "").trim());
  return found && { lat: Number(found[1]), lon: Number(found[2]) };
};
const lonlat = (text) => {
  const found = PAIR.exec((text ?? "").trim());
  return found && { lon: Number(found[1]), lat: Number(found[2]) };
};
const both = (lon, lat) => (lon && lat ? lonlat(`${lon},${lat}`) : null);

// "lat,lon,name,address": the coordinates and the first words after them, whatever commas those hold
const latlonNamed = (text) => {
  const [lat, lon, name] = (text ?? "").split(",");
  const point = both(lon, lat);
  return point && { ...point, name };
};
const lonlatNamed = (text) => {
  const [lon, lat, ...name] = (text ?? "").split(",");
  const point = both(lon, lat);
  return point && { ...point, name: name.join(",") };
};

// Degrees of one axis: decimal, degrees-minutes or degrees-minutes-seconds.
const ANGLE = String.raw`(\d{1,3}(?:\.\d+)?)\s*[°度º]\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′’分]\s*(?:(\d{1,2}(?:\.\d+)?)\s*(?:["″”秒]|'')?)?)?`;
const toDegrees = ([d, m = 0, s = 0]) => Number(d) + Number(m) / 60 + Number(s) / 3600;

const BEFORE = new RegExp(String.raw`(北纬|南纬|东经|西经|纬度|经度|[NSEW])\s*[:：]?\s*${ANGLE}`, "gi");
const BEHIND = new RegExp(String.raw`${ANGLE}\s*([NSEW])`, "gi");

// The letter stands before each number or behind each; a text that mixes them is not understood.
function sexagesimal(text) {
  const before = [...text.matchAll(BEFORE)].map(([, mark, ...angle]) => [mark, angle]);
  const behind = [...text.matchAll(BEHIND)].map(([, d, m, s, mark]) => [mark, [d, m, s]]);
  const axes = {};
  for (const [mark, angle] of before.length > 1 ? before : behind) {
    const axis = /[NS纬]/i.test(mark) ? "lat" : "lon";
    axes[axis] ??= toDegrees(angle) * (/[SW南西]/i.test(mark) ? -1 : 1);
  }
  return axes.lat !== undefined && axes.lon !== undefined ? axes : null;
}

function labelled(text) {
  const value = (label) =>
    new RegExp(String.raw`(?:^|[^\p{L}])(?:${label})["']?\s*[:：=＝]?\s*["']?(${NUMBER})(?![\d])`, "iu").exec(text)?.[1];
  const lon = value("longitude|long|lng|lon|经度|东经");
  const lat = value("latitude|lat|纬度|北纬");
  return both(lon, lat);
}

// "116.442,39.957", "39.957 116.442", "39.957°N, 116.442°E": bare numbers in either order.
function bare(text, near) {
  const lettered = new RegExp(String.raw`(${NUMBER})\s*°?\s*([NSEW])[\s,，;；]*(${NUMBER})\s*°?\s*([NSEW])`, "i").exec(text);
  if (lettered) {
    const [, a, x, b, y] = lettered;
    const axes = {};
    for (const [value, mark] of [[a, x], [b, y]]) {
      axes[/[NS]/i.test(mark) ? "lat" : "lon"] = Number(value) * (/[SW]/i.test(mark) ? -1 : 1);
    }
    if ("lat" in axes && "lon" in axes) return axes;
  }
  const found = new RegExp(String.raw`(?<![\d.])([+-]?\d{1,3}\.\d+)\s*[°]?(?:\s*[,，;；、/|]\s*|\s+)([+-]?\d{1,3}\.\d+)(?![\d.])`).exec(text);
  if (!found) return null;
  const [a, b] = [Number(found[1]), Number(found[2])];
  const orders = [{ lon: a, lat: b }, { lon: b, lat: a }].filter(({ lat, lon }) => Math.abs(lat) <= 90 && Math.abs(lon) <= 180);
  // whichever lies nearer to the district; elsewhere the order of maps, latitude first, is as good as the other
  return orders.sort((p, q) => near(p) - near(q))[0] ?? { lon: a, lat: b };
}

// --- one reader for each app: of a URL, {point with name?, datum?, unsure?}, {hidden}, or null ------------

const HIDDEN = { hidden: true };

function amap(url, get) {
  const datum = /wgs/i.test(get("coordinate") ?? "") || get("dev") === "1" ? "wgs84" : "gcj02";
  const at = (point) => point && { ...point, datum };
  const path = decode(url.pathname);
  const inPath = (key) => new RegExp(`(?:^|[/&?])${key}=([^&]*)`).exec(path)?.[1];
  const inHash = /!!q=([^&]*)/.exec(decode(url.hash))?.[1]?.split("|")[0];
  const route = get("r")?.split(",");
  const to = get("to[lnglat]");
  return (
    at(get("p") && latlonNamed(get("p").split(",").slice(1).join(","))) ||
    at(latlonNamed(get("q"))) ||
    at(latlonNamed(inHash)) ||
    at(route?.length > 4 && latlonNamed(route.slice(3).join(","))) ||
    at(lonlatNamed(get("to"))) ||
    at(to && { ...lonlat(to), name: get("to[name]") }) ||
    at(named(lonlat(get("position")), get("name"))) ||
    at(lonlatNamed(get("markers")?.split("|")[0])) ||
    at(named(both(get("dlon"), get("dlat")), get("dname"))) ||
    at(named(lonlat(get("dest")), get("destName") ?? get("destname"))) ||
    at(named(both(get("lng") ?? get("lon"), get("lat")), get("name") ?? get("poiname"))) ||
    at(named(lonlat(inPath("lnglat") ?? get("lnglat")), inPath("name") ?? get("name"))) ||
    at(latlonNamed(inPath("__q"))) ||
    at(lonlatNamed(inPath("daddr") ?? get("daddr"))) ||
    at(lonlat(get("center"))) ||
    nested(url) ||
    HIDDEN
  );
}

const named = (point, name) => point && { ...point, name };

// m.amap.com/callAPP and its like carry the app's own address, encoded once more, in a parameter.
function nested(url) {
  for (const key of ["ios", "android", "url", "schema", "scheme"]) {
    const inner = url.searchParams.get(key);
    if (inner && /^[a-z]+:\/\//i.test(inner)) {
      const found = readLink(inner);
      if (found?.point) return { ...found.point, datum: found.datum };
    }
  }
  return null;
}

function baidu(url, get) {
  const kind = (get("coord_type") ?? get("coordtype") ?? "bd09ll").toLowerCase();
  const datum = kind.startsWith("gcj") ? "gcj02" : kind.startsWith("wgs") ? "wgs84" : "bd09";
  const metres = (text, more = {}) => {
    const found = /(-?\d{4,}(?:\.\d+)?)\s*[,，]\s*(-?\d{4,}(?:\.\d+)?)/.exec(text ?? "");
    if (!found) return null;
    const [lon, lat] = bd09FromMetres([Number(found[1]), Number(found[2])]);
    return { lon, lat, datum: "bd09", ...more };
  };
  const at = (point) => point && { ...point, datum };
  const end = (text) => {
    const point = /latlng:\s*([^|]+)/.exec(text ?? "")?.[1] ?? text;
    return named(latlon(point), /(?:name|title|addr):\s*([^|]+)/.exec(text ?? "")?.[1]) ?? metres(point);
  };
  const parts = decode(url.pathname).split("/").slice(1);
  const centre = parts.find((part) => part.startsWith("@"));
  const lastStop = (get("en") ?? "").split("to:").at(-1);
  const stopName = /\$\$\$\$[\d.,]+\$\$([^$]+)/.exec(lastStop)?.[1];
  return (
    at(end(get("destination"))) ||
    at(named(latlon(get("location")), get("title"))) ||
    at(named(latlon(get("latlng")), get("title") ?? get("name"))) ||
    metres(/sharegeo=([^&/]+)/.exec(decode(url.pathname) + decode(url.search))?.[1]) ||
    (lastStop && metres(lastStop.replace(/^1?\$+/, ""), { name: stopName })) ||
    (parts[0] === "poi" && metres(centre, { name: parts[1] })) ||
    metres(centre, { unsure: true }) ||
    metres(get("c"), { unsure: true }) ||
    at(latlon(get("center"))) ||
    HIDDEN
  );
}

function tencent(url, get) {
  const datum = get("coord_type") === "1" ? "wgs84" : "gcj02";
  const at = (point) => point && { ...point, datum };
  const part = (key) => new RegExp(`(?:^|[;|])${key}:([^;|]*)`).exec(get("marker") ?? get("poi") ?? "")?.[1];
  // the app's page for a place writes longitude first, all documented ones latitude
  const wap = /wap\.qq\.com$/.test(url.hostname);
  return (
    at(named(latlon(get("tocoord")), get("to"))) ||
    at(named(latlon(part("coord")), part("title"))) ||
    at(wap && named(lonlat(get("coord") ?? get("centercoord") ?? get("m") ?? get("c")), get("n"))) ||
    at(named(latlon(get("coord")), get("name") ?? get("addr"))) ||
    at(named(both(get("pointx"), get("pointy")), get("name"))) ||
    at(named(both(get("lng"), get("lat")), get("name"))) ||
    at(latlon(get("center"))) ||
    HIDDEN
  );
}

function google(url, get) {
  const path = decode(url.pathname);
  const whole = decode(url.pathname + url.hash);
  const place = /\/place\/([^/@]+)/.exec(path)?.[1];
  const own = /!3d(-?[\d.]+)!4d(-?[\d.]+)/.exec(whole);
  const stop = [...whole.matchAll(/!1d(-?[\d.]+)!2d(-?[\d.]+)/g)].at(-1);
  const words = ["destination", "daddr", "q", "query"].map(get).find(Boolean);
  const plain = (text) => latlon((text ?? "").replace(/^loc:/, "").replace(/\s*\(.*\)$/, "").replace(/(\d)\s+([+-]?\d)/, "$1,$2"));
  const dir = /\/dir\/(.+?)\/?(?:@|data=|$)/.exec(path)?.[1]?.split("/").filter(Boolean).at(-1);
  const centre = /@(-?[\d.]+,-?[\d.]+)/.exec(path)?.[1];
  const label = place && !plain(place) && !sexagesimal(place) ? place : undefined;
  return (
    plain(words) ||
    (own && named(latlon(`${own[1]},${own[2]}`), label)) ||
    (stop && lonlat(`${stop[1]},${stop[2]}`)) ||
    plain(place) ||
    (place && sexagesimal(place)) ||
    plain(/\/search\/([^/@]+)/.exec(path)?.[1]) ||
    plain(dir) ||
    plain(get("ll") ?? get("center") ?? get("viewpoint")) ||
    (centre && { ...latlon(centre), name: label, unsure: true }) ||
    (words || label || dir ? { query: words ?? label ?? dir } : HIDDEN)
  );
}

function apple(url, get) {
  const name = get("name") ?? (PAIR.test(get("q") ?? "") ? null : get("q"));
  const precise = ["ll", "coordinate", "destination", "daddr", "q", "address"].map((key) => latlon(get(key))).find(Boolean);
  const rough = latlon(get("sll") ?? get("center"));
  const query = name ?? get("address") ?? get("daddr") ?? get("destination");
  if (precise) return named(precise, name);
  return rough ? { ...rough, name, unsure: true } : query ? { query } : HIDDEN;
}

function plainMap(url, get) {
  const hash = /(?:map=)?[\d.]+\/(-?[\d.]+)\/(-?[\d.]+)/.exec(url.hash);
  const precise =
    both(get("mlon"), get("mlat")) ||
    latlon(get("pin") ?? get("finish") ?? get("destination") ?? get("dll") ?? get("ll") ?? get("daddr")) ||
    both(get("lon"), get("lat"));
  if (precise) return named(precise, get("n") ?? get("destination_name") ?? get("name"));
  return hash ? { ...latlon(`${hash[1]},${hash[2]}`), unsure: true } : HIDDEN;
}

// geo:39.957,116.442?q=39.957,116.442(name)
function geo(text) {
  const [, place, query = ""] = /^geo:([^?;]*)[^?]*\??(.*)$/i.exec(text);
  const q = /(?:^|&)q=([^&]*)/.exec(query)?.[1];
  const words = q && decode(q);
  const label = /\(([^)]*)\)\s*$/.exec(words ?? "")?.[1];
  const inQuery = latlon((words ?? "").replace(/\s*\(.*$/, ""));
  const point = latlon(place);
  if (inQuery) return named(inQuery, label);
  if (point && (point.lat || point.lon)) return named(point, label);
  return words ? { query: words } : HIDDEN;
}

const SITES = [
  ["amap", /(?:^|\.)(?:amap|gaode|autonavi)\.com$/, amap],
  ["baidu", /(?:^|\.)map\.baidu\.(?:com|cn)$/, baidu],
  ["tencent", /(?:^|\.)map\.qq\.com$|(?:^|\.)map\.wap\.qq\.com$|^wap\.map\.qq\.com$/, tencent],
  ["google", /(?:^|\.)google\.(?:com|cn|[a-z]{2}|com?\.[a-z]{2})$/, google],
  ["apple", /^maps\.apple\.com$/, apple],
  ["petal", /(?:^|\.)petalmaps\.com$/, plainMap],
  ["osm", /(?:^|\.)(?:openstreetmap\.org|osm\.org)$/, plainMap],
  ["osmand", /(?:^|\.)osmand\.net$/, plainMap],
  ["organic", /(?:^|\.)(?:omaps\.app|organicmaps\.app)$/, plainMap],
];

const SCHEMES = [
  ["amap", /^(?:amapuri|androidamap|iosamap):$/, amap],
  ["baidu", /^(?:bdapp|baidumap):$/, baidu],
  ["tencent", /^qqmap:$/, tencent],
  ["google", /^(?:comgooglemaps|google\.navigation|comgooglemapsurl):$/, google],
  ["apple", /^maps:$/, apple],
  ["petal", /^petalmaps:$/, plainMap],
  ["organic", /^om:$/, plainMap],
];

// --- a link -------------------------------------------------------------------------------

function parseUrl(text) {
  // an Android intent says its scheme at the end
  const intent = /^intent:\/\/(.*?)#Intent;.*?scheme=([a-z.]+);/i.exec(text);
  const plain = intent ? `${intent[2]}://${intent[1]}` : text.replace(/^google\.navigation:/, "google.navigation:///?");
  try {
    return new URL(/^[a-z.]+:/i.test(plain) ? plain : `https://${plain}`);
  } catch {
    return null;
  }
}

// `get` reads a parameter of the query; "|" and "+" come as vendors write them.
function getter(url) {
  const values = new Map();
  for (const pair of url.search.slice(1).replace(/&amp;/g, "&").split("&")) {
    const at = pair.indexOf("=");
    if (at > 0 && !values.has(decode(pair.slice(0, at)))) values.set(decode(pair.slice(0, at)), decode(pair.slice(at + 1)));
  }
  return (key) => values.get(key) || undefined;
}

function readLink(text) {
  if (/^geo:/i.test(text)) return answer("geo", geo(text));
  const url = parseUrl(text);
  if (!url) return null;
  const web = /^https?:$/.test(url.protocol);
  const short = web && SHORT.find(([, host]) => host.test(url.hostname));
  if (short) return { app: short[0] || null, hidden: true };
  const known = web ? SITES.find(([, host]) => host.test(url.hostname)) : SCHEMES.find(([, scheme]) => scheme.test(url.protocol));
  return known ? answer(known[0], known[2](url, getter(url))) : null;
}

function answer(app, found) {
  if (found.hidden) return { app, hidden: true };
  if (found.query) return { app, query: found.query };
  const { lon, lat, name, datum, unsure } = found;
  return { app, point: { lon, lat, name: name?.trim() || undefined }, datum, unsure: Boolean(unsure) };
}

const LINK = /(?:\b(?:https?|amapuri|androidamap|iosamap|bdapp|baidumap|qqmap|comgooglemaps|petalmaps|intent|om|maps):\/\/|\bgeo:|\bgoogle\.navigation:|\b(?:www\.|ditu\.|m\.|wb\.|uri\.|surl\.|j\.|api\.|apis\.|maps?\.)*(?:amap\.com|map\.baidu\.com|map\.qq\.com|google\.(?:com|cn)\/maps|maps\.google\.(?:com|cn)|maps\.apple(?:\.com)?|goo\.gl|openstreetmap\.org)[/?])[^\s<>"“”「」【】，。；（）]*/gi;

// --- text ---------------------------------------------------------------------------------

const DATUM_WORDS = [
  ["bd09", /BD-?09|百度/i],
  ["gcj02", /GCJ-?02|火星|国测局|高德|腾讯|微信/i],
  ["wgs84", /WGS-?84|GPS|CGCS2000|天地图/i],
];

const CHAFF = /【[^】]*】|\[[^\]]*\]|我在这里|我分享了|分享(?:了)?(?:一个)?(?:地点|位置|给你)?|点击链接.*$|来自.*?地图|打开.*?查看|[\u4e00-\u9fff]{1,4}\s*[:：]|https?:\/\/\S+/g;
const ADMIN = /^.*?(?:特别行政区|自治区|自治州|省|(?<!城)市(?!场|政)|(?:[^小校园社住地景]|^)区|县|街道|镇)/;

// What an address may be called on our map: as written, without province and district, and without its number.
export function searchWords(text) {
  const lines = text.replace(CHAFF, "\n").split(/[\n\r,，;；|]+/).map((line) => line.trim()).filter((line) => line.length > 1);
  const shorter = (line) => {
    const all = [line];
    for (let rest = line; ADMIN.test(rest); ) {
      rest = rest.replace(ADMIN, "").trim();
      if (rest.length > 1) all.push(rest);
    }
    const last = all.at(-1);
    return [...all, last.replace(/[(（].*?[)）]/g, "").trim(), last.replace(/\d+\s*(?:号|弄|幢|栋|座|单元|室|楼|层).*$/, "").trim()];
  };
  return [...new Set(lines.flatMap(shorter))].filter((words) => words.length > 1 && words.length < 60);
}

function readText(text, near) {
  const point = sexagesimal(text) ?? labelled(text) ?? bare(text, near);
  if (!point) return null;
  const datum = DATUM_WORDS.find(([, mark]) => mark.test(text))?.[0];
  return { app: null, point, datum: datum ?? "wgs84", unsure: !datum };
}

// --- the door -----------------------------------------------------------------------------

const distance = (bbox) => ({ lon, lat }) => {
  if (!bbox) return 0;
  const [west, south, east, north] = bbox;
  return Math.hypot(Math.max(west - lon, 0, lon - east), Math.max(south - lat, 0, lat - north));
};

function datumOf({ app, datum }, apps) {
  if (datum) return datum;
  if (app === "apple") return apps?.targets?.find((target) => target.app === "apple")?.datum ?? "gcj02";
  return { amap: "gcj02", tencent: "gcj02", google: "gcj02", petal: "gcj02", baidu: "bd09" }[app] ?? "wgs84";
}

function toWgs(found, datum, apps) {
  const share = apps?.extents?.[SHIFTED[found.app] ?? "mainland_hk_macao_taiwan"];
  const inside = share === undefined ? undefined : (lonlat) => inExtent(share, lonlat);
  return convertDatum([found.point.lon, found.point.lat], datum, "wgs84", inside);
}

const onGlobe = ({ lon, lat }) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90;

function placed(found, { bbox, apps }) {
  const far = distance(bbox);
  const { lon, lat } = found.point;
  const turned = { lon: lat, lat: lon };
  const refuse = (refused) => ({ refused, app: found.app });
  if (!onGlobe(found.point)) return refuse(onGlobe(turned) ? "swapped" : "no_place");
  if (far(found.point) > AROUND_DEG) return refuse(onGlobe(turned) && bbox && far(turned) <= AROUND_DEG ? "swapped" : "outside");
  const datum = datumOf(found, apps);
  const [x, y] = toWgs(found, datum, apps);
  return { lon: x, lat: y, name: found.point.name, datum, app: found.app, unsure: found.unsure };
}

function findWords(candidates, search) {
  for (const words of search ? candidates : []) {
    const hit = search(words);
    if (hit) return { lon: hit.lon, lat: hit.lat, name: hit.name, datum: "wgs84", app: null, unsure: false };
  }
  return null;
}

export function readPasted(text, { bbox = null, apps = null, search = null } = {}) {
  const short = text.slice(0, LONGEST).trim();
  let hidden = null;
  const queries = [];
  for (const [link] of short.matchAll(LINK)) {
    const found = readLink(link);
    if (found?.point) return placed(found, { bbox, apps });
    if (found?.query) queries.push(...searchWords(found.query));
    if (found?.hidden) hidden ??= found;
  }
  const rest = short.replace(LINK, " ");
  const found = readText(rest, distance(bbox));
  if (found) return placed(found, { bbox, apps });
  const candidates = [...queries, ...searchWords(rest)];
  if (hidden) return { refused: "short_link", app: hidden.app, query: candidates[0] };
  return findWords(candidates, search) ?? { refused: "no_place", app: null, query: candidates[0] };
}
