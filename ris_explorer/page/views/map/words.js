// What must be said of the map.

import { count, events } from "../parts/formats.js";

/**
 * Sentences: how many events are on the map and pass, what has no place, how it was made, what it does not mean.
 * `said`: the answer of /api/event_map; `placed`, `passing`: events with a place, and those that pass; `counts`: or null.
 */
export function wordsOf(said, placed, passing, counts) {
  const found = [passing === placed ? `${events(placed)} with a place.` : `${events(passing)} of ${count(placed)} with a place pass the filter; the others are grey.`];
  const without = counts ? counts.events - passing : said.without_place;
  if (without > 0) found[0] += ` ${count(without)} ${passing === placed ? "" : "that pass "}have no place on it: they are without a label of the present model.`;
  found.push(`${methodOf(said)} ${said.note}`);
  return found;
}

function methodOf(said) {
  const of = `of ${said.dimensions} features of ${said.candidate} (model ${said.model_version})`;
  if (said.method !== "pca") return `UMAP ${of}, fitted to ${events(said.fitted_to)}.`;
  const [first, second] = said.explained_variance.map((share) => `${Math.round(100 * share)} %`);
  return `Principal components ${of}: x has ${first} of the variance, y ${second}.`;
}
