/*
The one door to the engine on the phone: the server's questions, answered from the district's pack.

    import { openPhone } from "./phone/phone.js";                 // by import() on the first question
    const phone = await openPhone({ base: "/xiangheyuan/", load }); // index.json and places; no network yet
    phone.index                      index.json, see pack.js
    phone.places                     all places, every layer; layers in the order of the index, places by id
    phone.place(id)                  one of them, or undefined
    await phone.ready("ebike")       fetches the streets of a profile, once
    await phone.look([w, s, e, n])   a district in tiles: fetches those of what the map shows (all ready profiles)

After `ready` every verb answers at once, on the page's own thread (a few milliseconds; docs/guide/phone-engine.md):

    phone.nearest({from, layer, profile?, at?, k?, ...wish})            -> {origin, layer, profile, at, results, shortfall?}
    phone.onway({from, to, layer, profile?, at?, k?, ...wish})          -> {..., direct_cost_s, direct_cost_ms, results}
    phone.range({from, layer, range_m, reserve_m?, via?, ..., ...wish}) -> {..., results, nearest?}
    phone.reach({from, minutes, profile?})                              -> {type: "FeatureCollection", features}
    phone.route({from, to, profile?})                                   -> {cost_s, length_m, geometry, steps, cost_ms, length_mm}
    phone.state(place, at?, services?)                                  -> {state, open_until, opens_at, assumed}
    phone.snap({from, profile?})                                        -> {lon, lat, gap_m} of the foot on the street

    from, to, via   [lon, lat], WGS 84 degrees
    at              Date, milliseconds since 1970 or ISO text with a zone; now if left out
    profile         "ebike" (as the API) or "walk"
    k               5, on the way 3
    wish            services: ["hot_water", ...], accept: ["unknown", "stale"], operator, plan, voltage, network

Answers are plain objects in the words of /api/v1 (docs/guide/web.md), with `cost_ms`, `length_mm` (and `added_ms`) as whole
numbers beside `cost_s`, `length_m`. A result is

    {id, layer, name, lon, lat, target, state, open_until, opens_at, assumed, cost_s, length_m, cost_ms, length_mm, place, ...}

`place` is the row of `phone.places`; all its other facts are there. `state` is one of open, closing_soon, closed, unknown, stale, at
the instant of arrival; `open_until`, `opens_at` are ISO texts in +08:00 or null. `assumed` is true where the pack's two weeks
are over and the weekly fallback speaks. `shortfall` is {places, filtered_out, unreachable, states, soonest} as the API says it.

A question that cannot be answered throws a `Refusal` (an Error) with `code`, and what the code names:

    far_from_street   parameter ("from"|"to"|"via"), gap_m       no street of the profile within 300 m
    not_on_globe      parameter                                  no such place: longitude and latitude swapped?
    unreachable       parameter ("to"|"via")                     the streets do not lead there
    tiles_missing     tiles: [...keys]                           a city in tiles: what is loaded does not prove an answer
    bad_parameter     parameter, value                           what the API refuses with 400
    not_ready         profile                                    `ready` was not awaited
    unknown_layer     value
*/

import { isoTime, makeClock, openingAt } from "./hours.js";
import { loadIndex, loadNetwork, loadPlaces, networkOver } from "./pack.js";
import { Refusal, buildRouter, buildTable, nearest, onway, range, snapNear } from "./questions.js";
import { drawStretches, reach, route, routeSteps } from "./ways.js";

export { Refusal };

const K_MAX = 100;
const RANGE_MAX_M = 500_000;
const MINUTES_MAX = 180;
const BANDS_MAX = 12;
const ACCEPTABLE = ["unknown", "stale"];
const K_ON_THE_WAY = 3;
const K_USUAL = 5;
const USUAL_PROFILE = "ebike";

/**
 * Open the pack of a district.
 * @param {object} options
 * @param {string} options.base - "/<district>/"
 * @param {function(string): Promise} [options.load] - as of keep.js; fetch, if left out
 * @returns {Promise<Phone>} with index and places; streets come with `ready`
 */
export async function openPhone({ base, load }) {
  const index = await loadIndex(base, load);
  return new Phone(index, await loadPlaces(index, load), load);
}

class Phone {
  constructor(index, places, load) {
    this.index = index;
    this.places = places.all;
    this._held = places;
    this._load = load;
    this._clock = makeClock(places, index.doubts);
    this._room = Math.max(0, ...[...places.layers.values()].map((layer) => layer.places.length));
    this._profiles = new Map(); // profile: {over, router, tables}
    this._coming = new Map();
    this._box = null; // what the map showed last
  }

  /** A place by its id; undefined if there is none. */
  place(id) {
    return this._held.byId.get(id);
  }

  /** Fetch the streets of a profile, once; over a city in tiles, what `look` will add to. */
  async ready(profile = USUAL_PROFILE) {
    this._profile(profile);
    if (!this._coming.has(profile)) this._coming.set(profile, this._fetch(profile));
    try {
      await this._coming.get(profile);
    } catch (error) {
      this._coming.delete(profile);
      throw error;
    }
  }

  async _fetch(profile) {
    const over = networkOver(this.index, profile, this._load);
    this._profiles.set(profile, { over, router: null, tables: new Map() });
    if (!over.tiled) this._lay(profile, await loadNetwork(this.index, profile, this._load));
    else if (this._box) this._lay(profile, await over.want(this._box));
  }

  /** Fetch the tiles that a box [w, s, e, n] of the map touches, for every profile that is ready; nothing in a small district. */
  async look(box) {
    this._box = [...box];
    for (const [profile, { over }] of this._profiles) if (over.tiled) this._lay(profile, await over.want(box));
  }

  _lay(profile, network) {
    const held = this._profiles.get(profile);
    if (network === null || (held.router && held.router.network === network)) return;
    const { grid, tiled } = held.over;
    const { files } = this.index.profiles.find(({ id }) => id === profile).tiles ?? {};
    const tiles = tiled ? { grid, files, covers: (box) => held.over.covers(box) } : null;
    held.router = buildRouter(network, tiles, this._room);
    held.tables.clear();
  }

  _profile(id) {
    const known = this.index.profiles.map((profile) => profile.id);
    if (!known.includes(id)) throw new Refusal("bad_parameter", { parameter: "profile", value: id });
    return id;
  }

  _router(profile) {
    const held = this._profiles.get(this._profile(profile));
    if (!held) throw new Refusal("not_ready", { profile });
    if (held.router === null) throw new Refusal("tiles_missing", { tiles: [], box: null });
    return held.router;
  }

  _table(profile, key) {
    const { tables, router } = this._profiles.get(profile);
    if (!tables.has(key)) tables.set(key, buildTable(router, this._held.layers.get(key).places));
    return tables.get(key);
  }

  /** The k nearest places of a layer that are open on arrival. */
  nearest(question) {
    const ask = this._ask(question, K_USUAL);
    const { found, passed, wants } = nearest(this._router(ask.profile), this._table(ask.profile, ask.layer), ask);
    const answer = { origin: [...ask.from], ...said(ask), results: found.map((hit) => this._found(ask, hit)), ...wanting(wants) };
    return passed ? { ...answer, shortfall: this._shortfall(ask, passed) } : answer;
  }

  /** The k places of least added time between two points, open when one gets there. */
  onway(question) {
    const ask = this._ask(question, K_ON_THE_WAY);
    ask.to = question.to;
    const { directMs, found } = onway(this._router(ask.profile), this._table(ask.profile, ask.layer), ask);
    const results = found.map((hit) => {
      const way = { added_s: hit.addedMs / 1000, added_ms: hit.addedMs, way_length_m: hit.lengthMm / 1000 };
      return { ...way, ...this._found(ask, hit) };
    });
    const ends = { origin: [...ask.from], destination: [...ask.to] };
    return { ...ends, ...said(ask), direct_cost_s: directMs / 1000, direct_cost_ms: directMs, results };
  }

  /** The k nearest places that a remaining range reaches, after a drop-off if there is one; open on arrival. */
  range(question) {
    const ask = this._ask(question, K_USUAL);
    const { range_m, reserve_m = 0, via = null } = question;
    checkNumber("range_m", range_m, 0, RANGE_MAX_M);
    checkNumber("reserve_m", reserve_m, 0, RANGE_MAX_M);
    Object.assign(ask, { via, rangeMm: roundHalfEven(range_m * 1000) - roundHalfEven(reserve_m * 1000) });
    const { found, shortest, wants } = range(this._router(ask.profile), this._table(ask.profile, ask.layer), ask);
    const limits = { via: via && [...via], range_m, reserve_m };
    const answer = { origin: [...ask.from], ...limits, ...said(ask), results: found.map((hit) => this._found(ask, hit)) };
    return { ...answer, ...(found.length ? {} : { nearest: shortest && this._found(ask, shortest) }), ...wanting(wants) };
  }

  /** Streets within some minutes of a point: a GeoJSON FeatureCollection, fewest minutes first. */
  reach({ from, minutes, profile = USUAL_PROFILE }) {
    const router = this._router(profile);
    const wanted = [...new Set([minutes].flat().map((m) => roundHalfEven(m * 60_000)))].sort((a, b) => a - b);
    checkNumber("minutes", wanted.length, 1, BANDS_MAX);
    for (const ms of wanted) checkNumber("minutes", ms / 60_000, 1 / 60_000, MINUTES_MAX);
    const features = reach(router, from, wanted).map(({ cutoffMs, streetM, stretches }) => ({
      type: "Feature",
      geometry: drawnWhenAsked(router.network, stretches),
      properties: { minutes: cutoffMs / 60_000, street_m: Math.round(streetM * 10) / 10 },
    }));
    return { type: "FeatureCollection", origin: [...from], profile, features };
  }

  /** The fastest way between two points, with its line and steps. */
  route({ from, to, profile = USUAL_PROFILE }) {
    const router = this._router(profile);
    const way = route(router, from, to);
    const coordinates = way.lonlat.map((point) => point.map((value) => roundHalfEven(value * 1e7) / 1e7));
    const steps = routeSteps(router.network, way).map(({ name, mode, costMs, lengthMm }) => ({
      name, length_m: lengthMm / 1000, cost_s: costMs / 1000, mode, cost_ms: costMs, length_mm: lengthMm,
    }));
    return { origin: [...from], destination: [...to], profile, ...costs(way), geometry: { type: "LineString", coordinates }, steps };
  }

  /** How a place, or services of it, stand at an instant. */
  state(place, at = Date.now(), services = []) {
    const kinds = [services].flat();
    for (const kind of kinds) {
      if (!place.services.some((service) => service.kind === kind)) {
        throw new Refusal("bad_parameter", { parameter: "service", value: kind });
      }
    }
    return stateJson(openingAt(this._clock, place, kinds, instant(at)));
  }

  /** Where a point meets the streets. */
  snap({ from, profile = USUAL_PROFILE }) {
    const router = this._router(profile);
    snapNear(router, router.here, from, "from");
    const { snaps } = router.here;
    return { lon: snaps.footLon[0], lat: snaps.footLat[0], gap_m: snaps.gapM[0] };
  }

  /** A question, checked and with nothing left out. */
  _ask(question, k) {
    const { from, layer, profile = USUAL_PROFILE, at = Date.now(), services = [], accept = [] } = question;
    const { operator = null, plan = null, voltage = null, network = null } = question;
    const ask = { from, layer, profile, atMs: instant(at), k: question.k ?? k, clock: this._clock };
    if (!this._held.layers.has(layer)) throw new Refusal("unknown_layer", { parameter: "layer", value: layer });
    if (!Number.isInteger(ask.k)) throw new Refusal("bad_parameter", { parameter: "k", value: ask.k });
    checkNumber("k", ask.k, 1, K_MAX);
    checkWords("accept", accept, ACCEPTABLE);
    checkWords("services", services, Object.keys(this.index.services));
    this._router(profile);
    return Object.assign(ask, { services, accept, operator, plan, voltage, network });
  }

  /** A result: the place, what it costs to get there, and how it stands then. */
  _found(ask, hit) {
    const { key, places } = this._held.layers.get(ask.layer);
    const place = places[hit.row];
    const arrivalMs = ask.atMs + hit.costMs;
    const { id, name, lon, lat, target, synthetic, checked_on, address, hours, access, services, power, operator } = place;
    return {
      ...costs(hit), id, layer: key, name, lon, lat, target,
      ...stateJson(openingAt(this._clock, place, ask.services, arrivalMs)),
      doubts: this._doubts(id, arrivalMs), checked_on, synthetic, address, access, services, power, operator,
      ebike_parking: place.ebike_parking, hours, place,
    };
  }

  _doubts(id, atMs) {
    const spans = this._clock.against.get(id) ?? [];
    return spans
      .filter((span) => span.begin_s * 1000 <= atMs && atMs < span.end_s * 1000)
      .map(({ claim, n_said, last_s }) => ({ claim, n_said, last_at: isoTime(last_s) }));
  }

  /** Why fewer than k came back. */
  _shortfall(ask, passed) {
    const table = this._table(ask.profile, ask.layer);
    const states = {};
    let soonest = null;
    for (const { row, costMs } of passed) {
      const { id, name } = table.places[row];
      const { state, opensS } = openingAt(this._clock, table.places[row], ask.services, ask.atMs + costMs);
      states[state] = (states[state] ?? 0) + 1;
      if (opensS === null || (soonest && soonest.opensS <= opensS)) continue;
      soonest = { id, name, cost_s: costMs / 1000, cost_ms: costMs, opensS };
    }
    if (soonest) {
      soonest.opens_at = isoTime(soonest.opensS);
      delete soonest.opensS;
    }
    const { n, nFitting } = table;
    return { places: n, filtered_out: n - nFitting, unreachable: nFitting - passed.length, states, soonest };
  }
}

const OPEN_STATES = ["open", "closing_soon", "stale"];

function stateJson({ state, untilS, opensS, assumed }) {
  return { state, open_until: OPEN_STATES.includes(state) ? isoTime(untilS) : null, opens_at: isoTime(opensS), assumed };
}

/** Lines of half a town are worth more time than the search: they are drawn when somebody looks at them. */
function drawnWhenAsked(network, stretches) {
  let lines = null;
  return {
    type: "MultiLineString",
    get coordinates() {
      return (lines ??= drawStretches(network, stretches));
    },
  };
}

function costs({ costMs, lengthMm }) {
  return { cost_s: costMs / 1000, length_m: lengthMm / 1000, cost_ms: costMs, length_mm: lengthMm };
}

function said({ layer, profile, atMs }) {
  return { layer, profile, at: isoTime(Math.floor(atMs / 1000)) };
}

/** Tiles with which more might be found; nothing if all is said. */
function wanting(wants) {
  return wants ? { tiles_missing: wants } : {};
}

function instant(at) {
  const ms = typeof at === "string" ? Date.parse(at) : Number(at);
  if (!Number.isFinite(ms)) throw new Refusal("bad_parameter", { parameter: "at", value: String(at) });
  return Math.floor(ms);
}

function checkNumber(parameter, value, least, most) {
  if (!(value >= least && value <= most)) throw new Refusal("bad_parameter", { parameter, value });
}

function checkWords(parameter, words, allowed) {
  for (const value of words) if (!allowed.includes(value)) throw new Refusal("bad_parameter", { parameter, value });
}

/** As Python and numpy round. */
function roundHalfEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
