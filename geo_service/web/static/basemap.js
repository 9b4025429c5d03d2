// The ground under every map: vector tiles drawn on canvases by protomaps-leaflet, behind one function.
// No imports: a map to hand on carries this file inside. What the tiles hold is in docs/guide/basemap.md.

const LEVELS = 2; // a data tile is drawn four display tiles wide: few requests, one layout of names for a whole screen
const SHARPEST = 2; // more canvas dots per pixel cost memory that phones do not have
const FONT = 'system-ui, "PingFang SC", "Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", sans-serif';

const PALETTES = {
  light: {
    ground: "#f3f0ea",
    land: { estate: "#f3ece1", campus: "#f2e9d5", hospital: "#f7e6e4", shops: "#f5e9de", works: "#ebe8e6", square: "#f0ebe3" },
    green: { green: "#d3e5c2", pitch: "#c9e2c4" },
    water: "#a9cfea",
    building: "#e3dacb",
    eaves: "#d3c7b3",
    road: { highway: "#f9d48a", main: "#fdeea6", second: "#fff3c4", third: "#fff", street: "#fff", lane: "#fff", square: "#f6f1e8" },
    edge: { highway: "#d9a653", main: "#dcc374", second: "#dccb95", third: "#c9c1b3", street: "#cfc8bb", lane: "#dcd5c8", square: "#ddd4c6" },
    path: "#d9a08c",
    rail: "#8f959c",
    sleepers: "#f3f0ea",
    halo: "#fffdf8",
    name: { road: "#3b3f45", estate: "#6b5637", campus: "#6b5637", works: "#5f5a55", shops: "#8a5420", square: "#6b5637", hospital: "#a4403a", green: "#356b2c", water: "#2f6690", place: "#2b2f35", landmark: "#5d5346", house: "#6e6658", bus: "#47627f" },
    station: "#0b57b8",
    gate: "#7a6c58",
    shut: "#b3372c",
  },
  dark: {
    ground: "#12161c",
    land: { estate: "#171b21", campus: "#1a1d20", hospital: "#211a1e", shops: "#1d1b1e", works: "#15181d", square: "#191e25" },
    green: { green: "#152a1c", pitch: "#183022" },
    water: "#14304a",
    building: "#222936",
    eaves: "#2d3543",
    road: { highway: "#6b5a34", main: "#544e36", second: "#4b4938", third: "#3d4655", street: "#38414f", lane: "#2f3743", square: "#262d37" },
    edge: { highway: "#2e2819", main: "#2a2920", second: "#282820", third: "#1d232c", street: "#1d232c", lane: "#1b2028", square: "#1b2028" },
    path: "#6d5848",
    rail: "#545d69",
    sleepers: "#12161c",
    halo: "#0e1116",
    name: { road: "#ccd3dc", estate: "#c2b193", campus: "#c2b193", works: "#a9adb3", shops: "#d0a878", square: "#c2b193", hospital: "#e79a94", green: "#8fc083", water: "#8fb8d9", place: "#e4e8ee", landmark: "#b5ab9b", house: "#9a968e", bus: "#9db6d2" },
    station: "#6fb0ff",
    gate: "#a39680",
    shut: "#ef8a80",
  },
};

const WIDTH = { highway: 14, main: 13, second: 11, third: 8.5, street: 7, lane: 4.6, square: 6 }; // pixels at zoom 16
const GROWTH = 1.42;
const NAMED_FROM = { highway: 12, main: 12, second: 13, third: 14, street: 15, lane: 16, square: 17, path: 17 };

export function makeBasemap(map, { url, tile, minzoom, maxzoom, bbox, rasters = [], dark = false }) {
  const own = url || tile ? makeLayer({ get: tile ?? fetcher(url), minzoom, maxzoom, bbox, dark }) : null;
  if (own) {
    own.on("load", () => (map.getContainer().dataset.basemap = "drawn"));
    own.addTo(map);
  }
  if (rasters.length) import("./rasters.js").then(({ offerRasters }) => offerRasters(map, own, rasters));
  return { layer: own, repaint: (isDark) => own?.dress(isDark) };
}

// --- tiles -----------------------------------------------------------------------------------------

const fetcher = (template) => async (z, x, y, signal) => {
  const response = await fetch(template.replace("{z}", z).replace("{x}", x).replace("{y}", y), { signal });
  if (!response.ok) throw new Error(`tile ${z}/${x}/${y}: ${response.status}`);
  return response.status === 204 ? null : response.arrayBuffer();
};

function makeLayer({ get, minzoom, maxzoom, bbox: [west, south, east, north], dark }) {
  const style = makeStyle(PALETTES[dark ? "dark" : "light"]);
  const missed = new Set();
  const source = {
    async getZxy(z, x, y, signal) {
      try {
        const data = z < minzoom ? null : await get(z, x, y, signal);
        return data ? { data } : undefined;
      } catch (error) {
        if (error.name === "AbortError") throw error;
        missed.add(`${x}:${y}:${z}`); // drawn empty now, asked for again when the line is back
        return undefined;
      }
    },
  };
  const layer = protomapsL.leafletLayer({
    url: source,
    bounds: [[south, west], [north, east]],
    attribution: "", // every page says it itself, where it fits
    devicePixelRatio: Math.min(devicePixelRatio || 1, SHARPEST),
    lang: "zh-CN",
    maxNativeZoom: undefined,
    ...style,
  });
  const cache = new protomapsL.TileCache(new protomapsL.PmtilesSource(source, true), 256 << LEVELS);
  layer.views = new Map([["", new protomapsL.View(cache, maxzoom, LEVELS)]]);
  const again = () => {
    if (!missed.size) return;
    for (const key of missed) cache.cache.delete(key);
    missed.clear();
    layer.clearLayout();
    layer.rerenderTiles();
  };
  addEventListener("online", again);
  layer.again = again;
  layer.dress = (isDark) => {
    Object.assign(layer, makeStyle(PALETTES[isDark ? "dark" : "light"]));
    layer.clearLayout();
    layer.rerenderTiles();
  };
  return layer;
}

// --- style -----------------------------------------------------------------------------------------

function makeStyle(colours) {
  const level = (wanted) => (_, { props }) => (props.level ?? 0) === wanted;
  const roads = [-1, 0, 1].flatMap((at) => [
    { dataLayer: "road", symbolizer: roadEdges(colours, at), filter: level(at) },
    { dataLayer: "road", symbolizer: roadFills(colours, at), filter: level(at) },
  ]);
  const paintRules = [
    { dataLayer: "land", symbolizer: area((kind) => colours.land[kind] ?? colours.ground) },
    { dataLayer: "green", symbolizer: area((kind) => colours.green[kind] ?? colours.green.green) },
    { dataLayer: "stream", symbolizer: strokes(() => colours.water, (kind, z) => (kind === "river" ? 3 : 1.5) * GROWTH ** (z - 16)) },
    { dataLayer: "water", symbolizer: area(() => colours.water) },
    { dataLayer: "building", minzoom: 15, symbolizer: area(() => colours.building, (z) => (z >= 16 ? colours.eaves : "")) },
    { dataLayer: "road", minzoom: 16, symbolizer: paths(colours), filter: (_, { props }) => props.kind === "path" || props.kind === "steps" },
    ...roads.slice(0, 4),
    { dataLayer: "rail", symbolizer: rails(colours) },
    ...roads.slice(4),
  ];
  return { paintRules, labelRules: makeLabels(colours), backgroundColor: colours.ground };
}

function trace(pen, lines) {
  pen.beginPath();
  for (const line of lines) {
    pen.moveTo(line[0].x, line[0].y);
    for (let i = 1; i < line.length; i++) pen.lineTo(line[i].x, line[i].y);
  }
}

// what one rule set, the library hands on to the next
function plain(pen) {
  pen.globalAlpha = 1;
  pen.setLineDash([]);
}

const area = (fill, edge = () => "") => ({
  before(pen, z) {
    plain(pen);
    pen.strokeStyle = edge(z) || "transparent";
    pen.lineWidth = 0.8;
    this.edged = Boolean(edge(z));
  },
  draw(pen, lines, z, { props }) {
    trace(pen, lines);
    pen.fillStyle = fill(props.kind);
    pen.fill();
    if (this.edged) pen.stroke();
  },
});

const strokes = (colour, width) => ({
  before(pen) {
    plain(pen);
    pen.lineJoin = pen.lineCap = "round";
  },
  draw(pen, lines, z, { props }) {
    const wide = width(props.kind, z);
    if (!wide) return;
    trace(pen, lines);
    pen.strokeStyle = colour(props.kind, z);
    pen.lineWidth = wide;
    pen.stroke();
  },
});

function roadWidth(kind, z) {
  if (!WIDTH[kind]) return 0;
  return kind === "lane" && z < 16 ? 1.4 : Math.max(1.2, WIDTH[kind] * GROWTH ** (z - 16));
}

// all edges before all fills, so that crossings stay open; far away lanes are hairlines without edges
function roadEdges(colours, level) {
  const rule = strokes(
    (kind) => colours.edge[kind],
    (kind, z) => ((kind === "lane" && z < 16) || z < 13 ? 0 : roadWidth(kind, z) && roadWidth(kind, z) + 1.6),
  );
  const before = rule.before;
  rule.before = (pen) => {
    before(pen);
    pen.lineCap = "butt";
    if (level < 0) pen.setLineDash([4, 3]);
  };
  return rule;
}

function roadFills(colours, level) {
  const hairline = (kind, z) => (kind === "lane" && z < 16 ? colours.edge.lane : colours.road[kind]);
  const rule = strokes(hairline, roadWidth);
  const before = rule.before;
  rule.before = (pen) => {
    before(pen);
    if (level < 0) pen.globalAlpha = 0.55;
  };
  return rule;
}

function paths(colours) {
  const rule = strokes(() => colours.path, (kind) => (kind === "steps" ? 3 : 1.4));
  const { draw } = rule;
  rule.draw = (pen, lines, z, feature) => {
    pen.lineCap = "butt";
    pen.setLineDash(feature.props.kind === "steps" ? [1.5, 1.5] : [4, 3]);
    draw(pen, lines, z, feature);
  };
  return rule;
}

function rails(colours) {
  const rule = strokes(() => colours.rail, (kind, z) => (kind === "siding" && z < 15 ? 0 : z < 14 ? 1.2 : 2.6));
  const { draw } = rule;
  rule.draw = (pen, lines, z, feature) => {
    draw(pen, lines, z, feature);
    if (z < 14 || feature.props.kind === "tram") return;
    pen.save();
    pen.setLineDash([6, 6]);
    pen.lineCap = "butt";
    pen.strokeStyle = colours.sleepers;
    pen.lineWidth = 1.4;
    pen.stroke();
    pen.restore();
  };
  return rule;
}

// --- names: earlier rules push later ones aside ------------------------------------------------------

function makeLabels(colours) {
  const kinds = (...wanted) => (_, { props }) => wanted.includes(props.kind);
  const said = (kind, size, options = {}) => words(() => colours.name[kind], size, colours.halo, options);
  const ranked = (a, b) => (a.rank ?? 0) - (b.rank ?? 0);
  const label = (filter, symbolizer, minzoom) => ({ dataLayer: "label", filter, symbolizer, minzoom, sort: ranked });
  const street = (filter, size) => ({
    dataLayer: "road",
    minzoom: 12,
    symbolizer: streetName(colours.name.road, colours.halo, size),
    filter: (z, feature) => feature.props.name && z >= (NAMED_FROM[feature.props.kind] ?? 99) && filter(feature.props.kind),
  });
  const isBig = (kind) => kind === "highway" || kind === "main" || kind === "second";
  return [
    label(kinds("station"), words(() => colours.station, 14, colours.halo, { weight: 700 }), 13),
    label(kinds("place"), said("place", 15, { weight: 600, faint: 0.75 }), 11),
    street(isBig, 14),
    label(kinds("hospital"), said("hospital", 13), 15),
    label(kinds("estate", "campus", "shops", "square", "works", "green", "water"), areaName(colours), 14),
    street((kind) => !isBig(kind), 13),
    label(kinds("exit"), exitSign(colours), 16),
    label(kinds("landmark"), said("landmark", 12), 16),
    label(kinds("gate", "gate_shut"), gateSign(colours), 17),
    label(kinds("bus"), said("bus", 11), 18),
    label(kinds("house"), said("house", 11), 17),
  ];
}

function areaName(colours) {
  const by = Object.fromEntries(
    ["estate", "campus", "shops", "square", "works", "green", "water"].map((kind) => [kind, words(() => colours.name[kind], 13, colours.halo, {})]),
  );
  return { place: (layout, geom, feature) => by[feature.props.kind].place(layout, geom, feature) };
}

const isHan = (text) => /^[\u2e80-\u9fff\uf900-\ufaff0-9]+$/.test(text) && /[\u2e80-\u9fff]/.test(text);

// A name centred on a point, long ones on two lines.
function words(colour, size, halo, { weight = 500, faint = 1 }) {
  const font = `${weight} ${size}px ${FONT}`;
  return {
    place({ scratch }, geom, { props }) {
      if (!props.name) return undefined;
      const lines = inLines(props.name);
      scratch.font = font;
      const wide = Math.max(...lines.map((line) => scratch.measureText(line).width)) / 2 + 3;
      const high = (lines.length * (size + 3)) / 2 + 2;
      const anchor = geom[0][0];
      return [
        {
          anchor,
          bboxes: [{ minX: anchor.x - wide, maxX: anchor.x + wide, minY: anchor.y - high, maxY: anchor.y + high }],
          draw(pen) {
            pen.globalAlpha = faint;
            pen.textAlign = "center";
            pen.textBaseline = "middle";
            lines.forEach((line, i) => inked(pen, line, 0, (i - (lines.length - 1) / 2) * (size + 3), font, colour(), halo));
          },
          deduplicationKey: props.name,
          deduplicationDistance: 120,
        },
      ];
    },
  };
}

function inLines(name) {
  if (isHan(name)) return name.length <= 8 ? [name] : [name.slice(0, Math.ceil(name.length / 2)), name.slice(Math.ceil(name.length / 2))];
  if (name.length <= 18) return [name];
  const middle = name.length / 2;
  const gaps = [...name.matchAll(/ /g)].map(({ index }) => index);
  const at = gaps.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
  return at === undefined ? [name] : [name.slice(0, at), name.slice(at + 1)];
}

function inked(pen, text, x, y, font, colour, halo) {
  pen.font = font;
  pen.lineJoin = "round";
  pen.lineWidth = 3.2;
  pen.strokeStyle = halo;
  pen.strokeText(text, x, y);
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

// protomaps lays Chinese names of northbound streets on their side: here the characters stand, one below the other.
function streetName(colour, halo, size) {
  const font = `500 ${size}px ${FONT}`;
  const along = new protomapsL.LineLabelSymbolizer({ font, fill: colour, stroke: halo, width: 3.2, position: 2, repeatDistance: 420 });
  return {
    place(layout, geom, feature) {
      const labels = along.place(layout, geom, feature);
      const { name } = feature.props;
      if (!labels || !isHan(name)) return labels;
      return labels.map((label) => standing(label, [...name], size, font, colour, halo));
    },
  };
}

function standing(label, characters, size, font, colour, halo) {
  const [first, last] = [label.bboxes[0], label.bboxes.at(-1)];
  let [dx, dy] = [last.minX - first.minX, last.minY - first.minY];
  const length = Math.hypot(dx, dy);
  if (!length || Math.abs(dy) <= 1.4 * Math.abs(dx)) return label;
  [dx, dy] = [dx / length, dy / length];
  const total = characters.length * size * 1.08;
  const order = dy > 0 ? characters : characters.toReversed?.() ?? [...characters].reverse();
  return {
    ...label,
    draw(pen) {
      pen.globalAlpha = 1;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      order.forEach((character, i) => {
        const at = ((i + 0.5) / order.length) * total;
        inked(pen, character, dx * at, dy * at, font, colour, halo);
      });
    },
  };
}

// --- signs -----------------------------------------------------------------------------------------

const square = (anchor, half) => ({ minX: anchor.x - half, maxX: anchor.x + half, minY: anchor.y - half, maxY: anchor.y + half });

function exitSign(colours) {
  return {
    place(_, geom, { props }) {
      const anchor = geom[0][0];
      const letter = (props.name ?? "").replace(/[口出入]+$/u, "").slice(0, 2);
      const draw = (pen) => {
        pen.globalAlpha = 1;
        pen.fillStyle = colours.station;
        pen.beginPath();
        pen.roundRect(-8, -8, 16, 16, 4);
        pen.fill();
        pen.textAlign = "center";
        pen.textBaseline = "middle";
        pen.font = `700 ${letter.length > 1 ? 9 : 11}px ${FONT}`;
        pen.fillStyle = colours.halo;
        pen.fillText(letter || "↓", 0, 0.5);
      };
      return [{ anchor, bboxes: [square(anchor, 9)], draw }];
    },
  };
}

// A gate is two posts; one that does not let an e-bike through has a bar between them.
function gateSign(colours) {
  return {
    place(_, geom, { props }) {
      const anchor = geom[0][0];
      const isShut = props.kind === "gate_shut";
      const draw = (pen) => {
        pen.globalAlpha = 1;
        for (const [colour, width] of [[colours.halo, 5], [isShut ? colours.shut : colours.gate, 2.2]]) {
          pen.strokeStyle = colour;
          pen.lineWidth = width;
          pen.lineCap = "round";
          pen.beginPath();
          for (const x of [-4.5, 4.5]) {
            pen.moveTo(x, -4);
            pen.lineTo(x, 4);
          }
          if (isShut) {
            pen.moveTo(-4.5, 0);
            pen.lineTo(4.5, 0);
          }
          pen.stroke();
        }
      };
      return [{ anchor, bboxes: [square(anchor, 7)], draw }];
    },
  };
}
