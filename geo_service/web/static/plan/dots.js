// Thousands of demand points on one canvas: a disc where a place is near enough, a ring where none is.

const SIZE = 9;
const SMALL = 0.7; // of a whole district in view, so that the streets between the dots can still be seen
const CLOSE_ZOOM = 15;
const COLOURS = { light: ["#0b63ce", "#c2410c", "#fff"], dark: ["#7db4ff", "#ffa05c", "#14181f"] };

export async function loadPoints(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`points: ${response.status}`);
  const { lon_e6: lons, lat_e6: lats } = await response.json();
  let [lon, lat] = [0, 0];
  return lons.map((step, i) => {
    lon += step;
    lat += lats[i];
    return L.latLng(lat / 1e6, lon / 1e6);
  });
}

export function bitsOf(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return (i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1;
}

// A mark as the pixels it sets: drawing thousands of images takes a slow machine a tenth of a second, writing pixels does not.
function stamp(isCovered, isDark, ratio, scale) {
  const [yes, no, halo] = COLOURS[isDark ? "dark" : "light"];
  const side = SIZE * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.beginPath();
  pen.arc(SIZE / 2, SIZE / 2, (isCovered ? 2.1 : 2.6) * scale, 0, 2 * Math.PI);
  for (const [style, width] of isCovered ? [[yes, 0]] : [[halo, 3.2], [no, 1.7]]) {
    pen.fillStyle = pen.strokeStyle = style;
    pen.lineWidth = width * scale;
    if (width) pen.stroke();
    else pen.fill();
  }
  const pixels = new Uint32Array(pen.getImageData(0, 0, side, side).data.buffer);
  const set = [];
  pixels.forEach((colour, at) => {
    if (colour >>> 24 > 110) set.push([(at % side) - (side >> 1), Math.floor(at / side) - (side >> 1), (colour | 0xff000000) >>> 0]);
  });
  return set;
}

export function dotLayer(points, isDark) {
  const canvas = document.createElement("canvas");
  canvas.className = "dots leaflet-zoom-hide";
  const pen = canvas.getContext("2d");
  const ratio = Math.min(devicePixelRatio || 1, 2);
  let map = null;
  let dark = isDark;
  let scale = 1;
  const stamps = () => [false, true].map((isCovered) => stamp(isCovered, dark, ratio, scale));
  let images = stamps();
  let image = null;
  let isCovered = () => 1;
  let places = [];

  function reset() {
    if (!map) return;
    scale = map.getZoom() < CLOSE_ZOOM ? SMALL : 1;
    images = stamps();
    const size = map.getSize();
    canvas.width = size.x * ratio;
    canvas.height = size.y * ratio;
    canvas.style.width = `${size.x}px`;
    canvas.style.height = `${size.y}px`;
    L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
    image = pen.createImageData(canvas.width, canvas.height);
    places = [];
    const edge = SIZE * ratio;
    points.forEach((point, i) => {
      const at = map.latLngToContainerPoint(point);
      const [x, y] = [Math.round(at.x * ratio), Math.round(at.y * ratio)];
      if (x > edge && y > edge && x < canvas.width - edge && y < canvas.height - edge) places.push(i, x, y);
    });
    paint();
  }

  function paint() {
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(0);
    const { width } = canvas;
    for (const wanted of [1, 0]) {
      const marks = images[wanted];
      for (let k = 0; k < places.length; k += 3) {
        if (isCovered(places[k]) !== wanted) continue;
        const at = places[k + 2] * width + places[k + 1];
        for (const [dx, dy, colour] of marks) pixels[at + dy * width + dx] = colour;
      }
    }
    pen.putImageData(image, 0, 0);
  }

  const Dots = L.Layer.extend({
    onAdd(target) {
      map = target;
      map.getPane("dots").append(canvas);
      map.on("moveend zoomend resize viewreset", reset);
      reset();
    },
    onRemove() {
      map.off("moveend zoomend resize viewreset", reset);
      canvas.remove();
      map = null;
    },
  });
  const layer = new Dots();
  return {
    layer,
    show(bits) {
      isCovered = bits;
      if (map) paint();
    },
    dress(isNight) {
      dark = isNight;
      images = stamps();
      if (map) paint();
    },
  };
}
