/*
The district pack on the phone: fetch the files that index.json names and turn them into flat arrays.

  loadIndex(base, load)              base is "/<district>/"; reads base + "pack/index.json"
  loadPlaces(index, load)            places and their hours (two files)
  loadNames(index, load)             streets, crossings, landmarks: for "where am I" by name
  loadBoundary(index, load)          a GeoJSON geometry, or null
  loadNetwork(index, profile, load)  the streets of a profile that comes in one file
  networkOver(index, profile, load)  those of any profile, by what the map shows; see the end of this comment

`load(url)` gives a Promise of an ArrayBuffer or of a Response; fetch, if left out. Nothing here looks at a position.

index, as it is in the file (docs/guide/pack.md has every word of it):
  {format, district, name: {zh, en}, synthetic, made, day_s, days, timezone_offset_min: 480, centre: [lon, lat],
   bbox: [w, s, e, n], profiles: [{id, nodes, edges, links, bytes, file} or {id, nodes, edges, links, bytes, tiles}],
   places, hours, names, boundary: {file, bytes},
   layers: [{key, zh, en, pin, colour, count, version}], areas: likewise, services: {kind: {zh, en}},
   doubts: [{place, claim, n_said, last_s, begin_s, end_s}], basemap, apps}
  `tiles` is {west, south, width, height, files: [[column, row, file, bytes], ...]}, whole micro-degrees (1e-6 degree).
  loadIndex adds `base`. Instants named *_s are epoch seconds; `doubts` say when an "open" counts as stale (finder/doubted.py).

A network, decoded. n nodes, m directed edges, l links (pieces of street), p points; order and ids are those of the
server's Network (edges by tail, head, link, along before against; links by their lower edge), so the lowest edge is the same:
  profile, gapMsPerM                 string, double
  metric                             {lat0, latM, lonM, lonM1, lonM2}: metres per micro-degree, doubles as the server has them
  nodeCount, edgeCount, linkCount, pointCount
  nodeLon, nodeLat                   Int32Array(n), micro-degrees
  nodeId                             Uint32Array(n), the server's number of the node (i itself, if all tiles are here)
  nodeIsWhole                        Uint8Array(n): 1 if every link at this node is loaded; all 1 for a network in one file
  firstOut                           Uint32Array(n + 1): edges firstOut[v] .. firstOut[v + 1] - 1 leave v
  tail, head                         Uint32Array(m)
  weightMs, delayMs                  Int32Array(m): whole cost; the part of it paid at the very end
  mode                               Uint8Array(m): 0 ride, 1 push, 2 walk
  edgeLink                           Uint32Array(m)
  linkEdge                           Int32Array(2 l): [2 i] the edge along the drawn direction, [2 i + 1] against it, -1 for none
  linkFrom, linkTo                   Uint32Array(l): node at the first point, at the last point
  linkId                             Uint32Array(l), the server's number of the link; `linkOf(id)` the other way, -1 if not loaded
  lengthMm                           Int32Array(l)
  isMain                             Uint8Array(l): 1 for links that are not on an island (engine/lines.py)
  firstPoint                         Uint32Array(l + 1): points firstPoint[i] .. firstPoint[i + 1] - 1, at least two
  pointLon, pointLat                 Int32Array(p), micro-degrees
  pointLink                          Uint32Array(p)
  alongM                             Float64Array(p): metres from the first point of the link, the very doubles of the engine
  linkName, names                    Uint32Array(l) into names (names[0] is ""): what the street is called

Places, decoded: {day_s, until_s, hours, layers, all, byId}
  day_s .. until_s                   the 14 days in which a state equals the server's; from a midnight in Asia/Shanghai
  hours[h]                           {text, startS: Float64Array, kind: Uint8Array, endS, week}: from startS[i] on it is
                                     kind[i] (0 closed, 1 open, 2 unknown). It reaches from day_s to endS = until_s + 15 days,
                                     so that "until when" and "opens again" are known as far ahead as the server looks.
                                     hours[0] is that of no text at all: unknown throughout.
  hours[h].week                      beyond endS only an estimate, to be told as one: 7 lists, Monday first, of [minute, kind]
                                     pairs; an ordinary week without holidays
  layers                             Map of key to {key, places}, in the order of the server's tables (row = index)
  all, byId                          every place; Map of id to place
A place: the API's words where it has them.
  id, layer, row, name, pinyin ("xiang he yuan"), initials ("xhy"), lon, lat,
  target [lon, lat]                  where routes and links aim: the arrival point, else the pin
  gcj02, bd09 [lon, lat]             the target in those datums (six decimals), shifted whether or not it is on the mainland
  extents                            where it lies, as exchange/navapps.py asks: ["mainland", ...]; gcj02 counts only inside
  address, phone, network, host_type, operator, class, station_code, area_m2, seats, headcount, ebike_parking,
  open_to [], photos [], inspection {body, date, result}, power {operator, plan, voltage_v [], slots}: as in the API; null if absent
  hours                              text or null; hours_at index into `hours`
  services                           [{kind, hours (text or null), hours_at (the door's, if it has none), note, price, from_s, until_s}]
  access                             [{method, hours, hours_at, note}]
  status, status_reason, from_s, until_s   from_s <= t < until_s are its dates; null is without end. "active": in use inside
                                     them; "paused": outside of them (without dates never)
  checked {kind: "YYYY-MM-DD"}, checked_on (older of hours and existence), stale_s   from that instant on an "open" is "stale"; 0: always
  source, licence, synthetic
  snap                               {profile: {link, share, forwardMs, backwardMs, gapMs, gapMm} or null}: Snaps of engine/snap.py,
                                     link as the server numbers it (`network.linkOf`); forwardMs or backwardMs is -1 without that edge

Names, decoded: {streets: [{name, pinyin, initials, lon, lat}], crossings: [{names: [a, b], lon, lat}],
                 landmarks: [{name, kind, pinyin, initials, lon, lat}]}

networkOver(index, profile, load) gives {tiled, grid, want(bbox), network, covers(bbox), loaded}:
  await want([w, s, e, n])           fetches the tiles that this box of the map touches and returns the network of all loaded tiles
  network                            the same, or null
  covers([w, s, e, n])               whether every tile that touches the box is loaded (a tile that is not in the index is empty)
A profile in one file is one tile that covers everything. What loaded tiles prove: a tile holds every link that touches it,
whole, with both its nodes. So (1) the nearest link to a point is right if covers() holds for the box of its gap around the point;
(2) every link at a node that lies in a loaded tile is loaded (nodeIsWhole); a search is right up to the first node it takes off
the heap with nodeIsWhole 0, in either direction: whatever is not loaded can only be reached through such a node, at no less cost.
*/
