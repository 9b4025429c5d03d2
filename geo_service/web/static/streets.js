// A plain basemap on one canvas: streets by width, names along them. Colours are the style sheet's.

const KINDS = ["path", "lane", "street", "avenue"];
const WATER = 4;
const NAME_FROM_ZOOM = { 1: 17, 2: 16, 3: 14 };
// line width in pixels at zoom 16, and how it grows from one zoom to the next
const WIDTH = [1.2, 5, 8, 13];
const GROWTH = 1.55;

export const PATHS_FROM_ZOOM = 17;
const LANE_EDGES_FROM_ZOOM = 15;

export async function loadStreets(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`streets: ${response.status}`);
  const file = await response.json();
  if (file.format !== "geo_service streets 1") throw new Error("streets: another format");
  const pen = { lon: file.origin[0], lat: file.origin[1] };
  const lines = file.lines.map(([kind, name, text]) => ({ kind, name: file.names[name], ...decode(text, pen) }));
  const areas = file.areas.map(([kind, rings]) => decodeRings(kind, rings, file.origin));
  return { lines, areas };
}

// Positions in Web Mercator, world = 0..1, once; drawing then only scales and shifts.
function decode(text, pen) {
  const points = [];
  let at = 0;
  const number = () => {
    let value = 0;
    let shift = 0;
    let byte;
    do {
      byte = text.charCodeAt(at++) - 63;
      value |= (byte & 31) << shift;
      shift += 5;
    } while (byte >= 32);
    return value & 1 ? ~(value >> 1) : value >> 1;
  };
  const box = [1, 1, 0, 0];
  while (at < text.length) {
    pen.lon += number();
    pen.lat += number();
    const sine = Math.sin((pen.lat * Math.PI) / 18e6);
    const x = pen.lon / 36e6 + 0.5;
    const y = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
    points.push(x, y);
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return { points, box };
}

function decodeRings(kind, texts, [lon, lat]) {
  const rings = texts.map((text) => decode(text, { lon, lat }));
  return { kind, rings, box: rings[0].box };
}

export function streetLayer({ lines: first, areas }) {
  const lines = [...first];

  // L.Renderer keeps a canvas in place while the map is dragged and scales it while it zooms
  const Streets = L.Renderer.extend({
    options: { padding: 0.25, pane: "tilePane" },

    _initContainer() {
      this._container = L.DomUtil.create("canvas", "leaflet-zoom-animated streets");
      this._container.setAttribute("aria-hidden", "true");
      this._pen = this._container.getContext("2d");
    },

    _destroyContainer() {
      this._container.remove();
      delete this._container;
      delete this._pen;
    },

    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize();
      const dots = Math.min(devicePixelRatio || 1, 2);
      L.DomUtil.setPosition(this._container, this._bounds.min);
      this._container.width = Math.ceil(size.x * dots);
      this._container.height = Math.ceil(size.y * dots);
      this._container.style.width = `${size.x}px`;
      this._container.style.height = `${size.y}px`;
      this._pen.setTransform(dots, 0, 0, dots, 0, 0);
      const zoom = this._map.getZoom();
      const origin = this._map.getPixelOrigin().add(this._bounds.min);
      paint(this._pen, lines, areas, { zoom, scale: 256 * 2 ** zoom, x: origin.x, y: origin.y, size });
      this.fire("update");
    },

    repaint() {
      if (this._map) this._update();
    },
  });
  const layer = new Streets();
  layer.add = (more) => {
    lines.push(...more.lines);
    layer.repaint();
  };
  return layer;
}

function paint(pen, lines, areas, view) {
  const palette = readPalette();
  pen.clearRect(0, 0, view.size.x, view.size.y);
  const seen = lines.filter(({ box }) => inView(box, view));
  for (const area of areas) {
    if (inView(area.box, view)) fill(pen, area, view, palette[area.kind === WATER ? "water" : "park"]);
  }
  pen.lineJoin = "round";
  pen.lineCap = "round";
  const grow = GROWTH ** (view.zoom - 16);
  const width = (kind) => Math.max(1, WIDTH[kind] * grow);
  if (view.zoom >= PATHS_FROM_ZOOM) {
    pen.setLineDash([4, 4]);
    stroke(pen, trace(seen, 0, view), palette.path, 1.3);
    pen.setLineDash([]);
  }
  // all fills after all edges, so that crossings stay open; far away lanes are hairlines without edges
  const roads = [1, 2, 3].map((kind) => [kind, trace(seen, kind, view)]);
  const edged = view.zoom < LANE_EDGES_FROM_ZOOM ? roads.slice(1) : roads;
  for (const [kind, path] of edged) stroke(pen, path, palette[`${KINDS[kind]}-edge`], width(kind) + 1.6);
  for (const [kind, path] of roads) {
    stroke(pen, path, palette[KINDS[kind]], edged.length < 3 && kind === 1 ? 1 : width(kind));
  }
  label(pen, seen, view, palette);
}

function inView([west, north, east, south], { scale, x, y, size }) {
  return east * scale >= x && west * scale <= x + size.x && south * scale >= y && north * scale <= y + size.y;
}

function trace(lines, kind, { scale, x, y }) {
  const path = new Path2D();
  for (const line of lines) {
    if (line.kind !== kind) continue;
    const { points } = line;
    path.moveTo(points[0] * scale - x, points[1] * scale - y);
    for (let i = 2; i < points.length; i += 2) path.lineTo(points[i] * scale - x, points[i + 1] * scale - y);
  }
  return path;
}

function fill(pen, { rings }, { scale, x, y }, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  for (const { points } of rings) {
    pen.moveTo(points[0] * scale - x, points[1] * scale - y);
    for (let i = 2; i < points.length; i += 2) pen.lineTo(points[i] * scale - x, points[i + 1] * scale - y);
  }
  pen.fill("evenodd");
}

function stroke(pen, path, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke(path);
}

// Names on the longest straight stretch in view; characters stand upright where a street runs north.
function label(pen, lines, view, palette) {
  const taken = [];
  const said = new Map();
  pen.font = `14px ${getComputedStyle(document.body).fontFamily}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 3.5;
  pen.strokeStyle = palette.halo;
  pen.fillStyle = palette.label;
  const ordered = lines.filter((line) => line.name && view.zoom >= (NAME_FROM_ZOOM[line.kind] ?? 99));
  ordered.sort((a, b) => b.kind - a.kind);
  for (const line of ordered) {
    const { name } = line;
    const spot = longestStretch(line.points, view);
    const latin = /^[\x20-\x7e]*$/.test(name);
    const length = latin ? pen.measureText(name).width : name.length * 15;
    if (!spot || spot.length < length * 1.15) continue;
    const before = said.get(name) ?? [];
    if (before.some(([x, y]) => Math.hypot(x - spot.x, y - spot.y) < 340)) continue;
    const upright = !latin && Math.abs(spot.dy) > 1.4 * Math.abs(spot.dx);
    const half = [Math.abs(spot.dx), Math.abs(spot.dy)].map((d) => ((d / spot.length) * length) / 2 + 9);
    const box = [spot.x - half[0], spot.y - half[1], spot.x + half[0], spot.y + half[1]];
    if (taken.some((b) => b[0] < box[2] && b[2] > box[0] && b[1] < box[3] && b[3] > box[1])) continue;
    taken.push(box);
    said.set(name, [...before, [spot.x, spot.y]]);
    write(pen, name, spot, upright);
  }
}

function longestStretch(points, { scale, x, y, size }) {
  let best = null;
  let start = 0;
  const at = (i) => [points[i] * scale - x, points[i + 1] * scale - y];
  for (let i = 2; i < points.length; i += 2) {
    const [ax, ay] = at(start);
    const [bx, by] = at(i);
    const next = i + 2 < points.length ? at(i + 2) : null;
    const length = Math.hypot(bx - ax, by - ay);
    const inside = bx > 0 && by > 0 && bx < size.x && by < size.y && ax > 0 && ay > 0 && ax < size.x && ay < size.y;
    if (inside && length > (best?.length ?? 0)) {
      best = { x: (ax + bx) / 2, y: (ay + by) / 2, dx: bx - ax, dy: by - ay, length };
    }
    // a name needs a straight stretch: begin anew where the street has left the direction it began in
    if (!inside || (next && bend(at(start), at(start + 2), [bx, by], next) > 0.2)) start = i;
  }
  return best;
}

function bend([ax, ay], [bx, by], [cx, cy], [dx, dy]) {
  const [ux, uy, vx, vy] = [bx - ax, by - ay, dx - cx, dy - cy];
  return Math.abs(Math.atan2(ux * vy - uy * vx, ux * vx + uy * vy));
}

function write(pen, name, spot, upright) {
  if (upright) {
    const lean = spot.dx / (spot.dy || 1);
    [...name].forEach((character, i) => {
      const dy = (i - (name.length - 1) / 2) * 15;
      inked(pen, character, spot.x + dy * lean, spot.y + dy);
    });
    return;
  }
  pen.save();
  pen.translate(spot.x, spot.y);
  const angle = Math.atan2(spot.dy, spot.dx);
  pen.rotate(Math.abs(angle) > Math.PI / 2 ? angle + Math.PI : angle);
  inked(pen, name, 0, 0);
  pen.restore();
}

function inked(pen, text, x, y) {
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
}

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const names = [...KINDS.flatMap((kind) => [kind, `${kind}-edge`]), "label", "halo", "water", "park"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}
