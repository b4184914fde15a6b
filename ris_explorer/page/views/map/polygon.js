// Polygons on the map, and how the address writes them.

const MOST_CORNERS = 64;

/** Corners [[x, y], …] of `x,y;x,y;…`; empty if the text is none. */
export function cornersOf(text) {
  const corners = text.split(";").map((pair) => pair.split(",").map(Number));
  const usable = corners.length >= 3 && corners.every((pair) => pair.length === 2 && pair.every(Number.isFinite));
  return usable ? corners : [];
}

/** The text of corners: as few as keep the shape, with the digits that can be seen on a map `extent` wide. */
export function textOf(corners, extent) {
  const digits = Math.max(0, 4 - Math.ceil(Math.log10(extent || 1)));
  const rounded = fewer(corners, extent).map((pair) => pair.map((value) => Number(value.toFixed(digits))).join(","));
  return rounded.filter((pair, index) => pair !== rounded[index - 1]).join(";");
}

/** A rectangle as corners. */
export const rectangle = (x1, y1, x2, y2) => [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];

function fewer(corners, extent) {
  let tolerance = extent / 1000;
  let kept = straightened(corners, tolerance);
  while (kept.length > MOST_CORNERS) {
    tolerance *= 1.6;
    kept = straightened(corners, tolerance);
  }
  return kept;
}

/** Leave out corners that lie within a tolerance of the line between those that are kept (Douglas & Peucker 1973). */
function straightened(corners, tolerance) {
  const kept = new Set([0, corners.length - 1]);
  const parts = [[0, corners.length - 1]];
  while (parts.length) {
    const [first, last] = parts.pop();
    let [farthest, at] = [tolerance, -1];
    for (let i = first + 1; i < last; i++) {
      const off = distance(corners[i], corners[first], corners[last]);
      if (off > farthest) [farthest, at] = [off, i];
    }
    if (at < 0) continue;
    kept.add(at);
    parts.push([first, at], [at, last]);
  }
  return corners.filter((_, index) => kept.has(index));
}

function distance([x, y], [x1, y1], [x2, y2]) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length === 0) return Math.hypot(x - x1, y - y1);
  return Math.abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length;
}
