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
