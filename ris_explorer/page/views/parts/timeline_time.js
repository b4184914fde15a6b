// Which time the timeline shows, and which the brush has chosen.

import { state } from "../../state/state.js";

const LEAST_S = 600;

/** Seconds since 1970 as the address writes them, in whole minutes. */
export const written = (seconds) => `${new Date(Math.round(seconds / 60) * 60000).toISOString().slice(0, 16)}Z`;

/** Seconds since 1970 of a time of the address; null if it has none or cannot be read. Without a zone it is UTC. */
export function read(text) {
  if (!text) return null;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : text.includes("T") ? `${text}Z` : `${text}T00:00Z`;
  const found = Date.parse(zoned) / 1000;
  return Number.isFinite(found) ? found : null;
}

/** Begin and end of the brush; null if the filter has no time. An open end is that of `extent`. */
export function brush(extent) {
  const begin = read(state.get("from"));
  const end = read(state.get("to"));
  return begin === null && end === null ? null : [begin ?? extent[0], end ?? extent[1]];
}

/** Choose whole bins by the brush: all that a time touches. */
export function setBrush(edges, begin, end) {
  const first = Math.max(0, binAt(edges, begin));
  const last = Math.min(edges.length - 2, Math.max(first, binAt(edges, end - 1e-3)));
  state.set({ from: written(edges[first]), to: written(edges[last + 1]) });
}

/** Number of the bin of a time; -1 before the first. */
export function binAt(edges, seconds) {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= seconds) low = middle + 1;
    else high = middle;
  }
  return Math.min(low - 1, edges.length - 2);
}

/** Show another time, within that of the events and live time. All of it is no restriction. */
export function setView(extent, begin, end) {
  const length = Math.min(Math.max(end - begin, LEAST_S), extent[1] - extent[0]);
  const start = Math.min(Math.max(begin, extent[0]), extent[1] - length);
  const whole = length >= extent[1] - extent[0];
  state.set({ begin: whole ? null : written(start), end: whole ? null : written(start + length) }, { replace: true });
}

/** What is shown: begin and end, seconds since 1970. */
export const view = (extent) => [read(state.get("begin")) ?? extent[0], read(state.get("end")) ?? extent[1]];

/** Make the shown time `factor` times as long around a time, by default its middle. */
export function zoom(extent, factor, around = null) {
  const [begin, end] = view(extent);
  const centre = around ?? (begin + end) / 2;
  setView(extent, centre - (centre - begin) * factor, centre + (end - centre) * factor);
}

/** Show what lies before (negative) or behind, in shares of the shown time. */
export function pan(extent, share) {
  const [begin, end] = view(extent);
  const step = share * (end - begin);
  setView(extent, begin + step, end + step);
}

/** Take away the brush, and where there is none the zoom; answers whether there was anything to take away. */
export function reset() {
  if (state.get("from") || state.get("to")) state.set({ from: null, to: null });
  else if (state.get("begin") || state.get("end")) state.set({ begin: null, end: null });
  else return false;
  return true;
}
