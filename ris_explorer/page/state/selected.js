// How many events pass the filter, and which: asked once for all views.

import { array, get, onlyLatest } from "../api/api.js";
import { state } from "./state.js";

const SOON_MS = 60;

/**
 * Give `app` what views share of the present filter.
 *
 * - `app.counts`: the answer of /api/counts, or null while there is none; `app.onCounts((counts, error) => …)` is called
 *   with each new answer, and at once if there is one. Where the filter is refused, counts are null and `error` says why.
 * - `app.mask`: which events pass, or null if all do: `app.mask.has(row)`, `app.mask.rows`. `app.onMask((mask, error) => …)`
 *   likewise; the mask is asked for only if a view wants it.
 */
export function followSelection(app) {
  const counts = follow((signal) => get("counts", state.filter(), signal));
  const mask = follow(async (signal) => {
    if (!state.filtered) return null;
    const { values, headers } = await array("mask", state.filter(), signal);
    return { rows: Number(headers.get("X-Rows")), has: (row) => ((values[row >> 3] >> (row & 7)) & 1) === 1 };
  });
  Object.defineProperty(app, "counts", { get: () => counts.found });
  Object.defineProperty(app, "mask", { get: () => mask.found });
  app.onCounts = counts.on;
  app.onMask = mask.on;
  counts.ask();
  state.on(["filter"], () => { counts.soon(); mask.soon(); });
  app.onRenewed(() => { counts.ask(); mask.ask(); });
}

/** Something that is asked again when the filter changes; only the last answer counts. */
function follow(request) {
  const latest = onlyLatest();
  const listeners = [];
  const it = { found: null, error: null, known: false };
  let timer = 0;
  let wanted = false;
  const tell = () => listeners.forEach((listener) => listener(it.found, it.error));
  it.ask = async () => {
    if (!wanted) return;
    try {
      const found = await latest(async (signal) => ({ found: await request(signal) }));
      if (found === undefined) return;
      Object.assign(it, { found: found.found, error: null, known: true });
    } catch (error) {
      Object.assign(it, { found: null, error, known: true });
    }
    tell();
  };
  it.soon = () => {
    clearTimeout(timer);
    timer = setTimeout(it.ask, SOON_MS);
  };
  it.on = (listener) => {
    listeners.push(listener);
    if (it.known) listener(it.found, it.error);
    if (!wanted) {
      wanted = true;
      it.ask();
    }
  };
  return it;
}
