// WGS 84, GCJ-02, BD-09 on the phone: the arithmetic of geo_service/geo.py, one point at a time.
// A test in the browser holds the two together, and every way and back, to less than a centimetre.

const GCJ_A = 6378245.0;
const GCJ_EE = 0.00669342162296594323;
const BD_K = (3000.0 * Math.PI) / 180.0;
const COS_35 = Math.cos((35.0 * Math.PI) / 180.0);
const SIN_35 = Math.sin((35.0 * Math.PI) / 180.0);
const BOX = [72.004, 0.8293, 137.8347, 55.8271];
const STOP_DEG = 1e-9;
const ROUNDS = 8;

// From sine and cosine of t/60 the sines of t/30, t/12, t/3, t and the cosine of t.
function waves(s, c) {
  const s30 = 2.0 * s * c;
  const s2 = s * s;
  const c2 = c * c;
  const s12 = s * (5.0 + s2 * (16.0 * s2 - 20.0));
  const c12 = c * (5.0 + c2 * (16.0 * c2 - 20.0));
  const s6 = 2.0 * s12 * c12;
  const c6 = 1.0 - 2.0 * s12 * s12;
  const s3 = 2.0 * s6 * c6;
  const c3 = 1.0 - 2.0 * s6 * s6;
  return [s30, s12, s3, s3 * (3.0 - 4.0 * s3 * s3), c3 * (4.0 * c3 * c3 - 3.0)];
}

function gcjFromWgs([lon, lat]) {
  const x = lon - 105.0;
  const y = lat - 35.0;
  const x60 = x * (Math.PI / 60.0);
  const [sx30, sx12, sx3, sx1, cx1] = waves(Math.sin(x60), Math.cos(x60));
  const theta = y * (Math.PI / 180.0);
  const s180 = Math.sin(theta);
  const c180 = Math.cos(theta);
  const [sy30, sy12, sy3, sy1] = waves(s180 * (3.0 - 4.0 * s180 * s180), c180 * (4.0 * c180 * c180 - 3.0));
  const sx2 = 2.0 * sx1 * cx1;
  const common = sx2 * (80.0 - 80.0 * sx2 * sx2);
  const root = Math.sqrt(Math.abs(x));
  const xy = 0.1 * x * y;
  const northM =
    2.0 * x - 100.0 + xy + 0.2 * root + y * (3.0 + 0.2 * y) +
    (common + 20.0 * sy1 + 40.0 * sy3 + 160.0 * sy12 + 320.0 * sy30) * (2.0 / 3.0);
  const eastM =
    2.0 * y + 300.0 + xy + 0.1 * root + x * (1.0 + 0.1 * x) +
    (common + 20.0 * sx1 + 40.0 * sx3 + 150.0 * sx12 + 300.0 * sx30) * (2.0 / 3.0);
  const cosLat = c180 * COS_35 - s180 * SIN_35;
  const m = 1.0 - GCJ_EE * (1.0 - cosLat * cosLat);
  const rootM = Math.sqrt(m);
  return [
    lon + (eastM * rootM * (180.0 / (Math.PI * GCJ_A))) / cosLat,
    lat + northM * m * rootM * (180.0 / (Math.PI * GCJ_A * (1.0 - GCJ_EE))),
  ];
}

function bdFromGcj([lon, lat]) {
  const turn = 0.000003 * Math.cos(lon * BD_K);
  const cosine = 1.0 - 0.5 * turn * turn;
  const stretch = 1.0 + (0.00002 * Math.sin(lat * BD_K)) / Math.sqrt(lon * lon + lat * lat);
  return [(lon * cosine - lat * turn) * stretch + 0.0065, (lat * cosine + lon * turn) * stretch + 0.006];
}

function bdGuess([lon, lat]) {
  const x = lon - 0.0065;
  const y = lat - 0.006;
  const turn = 0.000003 * Math.cos(x * BD_K);
  const shrink = 1.0 - (0.00002 * Math.sin(y * BD_K)) / Math.sqrt(x * x + y * y);
  return [(x + y * turn) * shrink, (y - x * turn) * shrink];
}

// Turns a step back by fixed-point rounds, as geo.py does and with its stop.
function inverse(forward, guess) {
  return (point) => {
    let [x, y] = guess(point);
    let moved = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const [fx, fy] = forward([x, y]);
      const [dx, dy] = [point[0] - fx, point[1] - fy];
      const before = moved;
      [x, y] = [x + dx, y + dy];
      moved = Math.max(Math.abs(dx), Math.abs(dy));
      const factor = before ? Math.min((2.0 * moved) / before, 1.0) : 1.0;
      if (moved * factor < STOP_DEG) break;
    }
    return [x, y];
  };
}

const wgsFromGcj = inverse(gcjFromWgs, (point) => point);
const gcjFromBd = inverse(bdFromGcj, bdGuess);
const STEPS = {
  wgs84: { wgs84: [], gcj02: [gcjFromWgs], bd09: [gcjFromWgs, bdFromGcj] },
  gcj02: { wgs84: [wgsFromGcj], gcj02: [], bd09: [bdFromGcj] },
  bd09: { wgs84: [gcjFromBd, wgsFromGcj], gcj02: [gcjFromBd], bd09: [] },
};
const walk = (point, steps) => steps.reduce((at, step) => step(at), point);

export const inBox = ([lon, lat]) => lon >= BOX[0] && lat >= BOX[1] && lon <= BOX[2] && lat <= BOX[3];

// `inside` says of a WGS 84 point whether maps are shifted there; without it the customary box does.
export function convertDatum(lonlat, source, target, inside = inBox) {
  if (!inside(walk(lonlat, STEPS[source].wgs84))) return [...lonlat];
  return walk(lonlat, STEPS[source][target]);
}

// Whether a point lies in an extent as the pack's `extents` tell it: all, nothing, or the rings of a part.
export function inExtent(share, [lon, lat]) {
  if (!Array.isArray(share)) return Boolean(share);
  let inside = false;
  for (const ring of share) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [[ax, ay], [bx, by]] = [ring[i], ring[j]];
      if (ay > lat !== by > lat && lon < ((bx - ax) * (lat - ay)) / (by - ay) + ax) inside = !inside;
    }
  }
  return inside;
}

// Baidu's own Mercator, in which its web pages write metres: bands of latitude, each with a polynomial, as its
// script has them.
const BANDS = [12890594.86, 8362377.87, 5591021, 3481989.83, 1678043.12, 0];
const BAND_TERMS = [
  [1.410526172116255e-8, 8.98305509648872e-6, -1.9939833816331, 200.9824383106796, -187.2403703815547, 91.6087516669843, -23.38765649603339, 2.57121317296198, -0.03801003308653, 17337981.2],
  [-7.435856389565537e-9, 8.983055097726239e-6, -0.78625201886289, 96.32687599759846, -1.85204757529826, -59.36935905485877, 47.40033549296737, -16.50741931063887, 2.28786674699375, 10260144.86],
  [-3.030883460898826e-8, 8.98305509983578e-6, 0.30071316287616, 59.74293618442277, 7.357984074871, -25.38371002664745, 13.45380521110908, -3.29883767235584, 0.32710905363475, 6856817.37],
  [-1.981981304930552e-8, 8.983055099779535e-6, 0.03278182852591, 40.31678527705744, 0.65659298677277, -4.44255534477492, 0.85341911805263, 0.12923347998204, -0.04625736007561, 4482777.06],
  [3.09191371068437e-9, 8.983055096812155e-6, 6.995724062e-5, 23.10934304144901, -2.3663490511e-4, -0.6321817810242, -0.00663494467273, 0.03430082397953, -0.00466043876332, 2555164.4],
  [2.890871144776878e-9, 8.983055095805407e-6, -3.068298e-8, 7.47137025468032, -3.53937994e-6, -0.02145144861037, -1.234426596e-5, 1.0322952773e-4, -3.23890364e-6, 826088.5],
];

export function bd09FromMetres([x, y]) {
  const terms = BAND_TERMS[BANDS.findIndex((from) => Math.abs(y) >= from)];
  const t = Math.abs(y) / terms[9];
  const lat = terms.slice(2, 9).reduceRight((sum, term) => sum * t + term, 0);
  return [Math.sign(x) * (terms[0] + terms[1] * Math.abs(x)), Math.sign(y) * lat];
}
