// Between places on the map and pixels of its picture.

/** A linear scale with the calls of D3's that the map needs: value to pixel, `invert`, `domain`, `range`. */
export function linear(domain) {
  let [from, to] = [domain, [0, 1]];
  const it = (value) => to[0] + ((value - from[0]) / (from[1] - from[0])) * (to[1] - to[0]);
  it.invert = (place) => from[0] + ((place - to[0]) / (to[1] - to[0])) * (from[1] - from[0]);
  it.domain = (next) => { if (!next) return from; from = [...next]; return it; };
  it.range = (next) => { if (!next) return to; to = [...next]; return it; };
  return it;
}

/** Least and greatest of an array. */
export function extremes(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

/** The rectangle of all points {x, y, width, height}, a little larger than they need. */
export function aroundAll(x, y) {
  const [[left, right], [low, high]] = [extremes(x), extremes(y)];
  const least = Math.max(right - left, high - low, 1e-6) / 50;
  const [width, height] = [Math.max(right - left, least) * 1.06, Math.max(high - low, least) * 1.06];
  return { x: (left + right - width) / 2, y: (low + high - height) / 2, width, height };
}
