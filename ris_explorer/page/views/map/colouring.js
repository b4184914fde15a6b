// What the colour of a point says: for each choice the column, a palette, and a legend.

import { array } from "../../api/api.js";
import { classColour, classMarker, classTitle, seen } from "../parts/colours.js";
import { number } from "../parts/formats.js";
import { isDark } from "../parts/theme.js";

const CATEGORICAL = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442"];
// Viridis (van der Walt & Smith 2015) at equal steps.
const VIRIDIS = ["#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6DCD59", "#B4DE2C", "#FDE725"];
// Hours go around: night, morning, noon, evening, night.
const AROUND = ["#4A68C4", "#38A3A5", "#E0A000", "#C0446E", "#4A68C4"];
const STEPS = 32;

/** Choices by the name that the address has: title, column, and the legend of it. */
export const COLOURINGS = {
  class: { title: "class", column: "class", of: byClass },
  station: { title: "station", column: "station", of: byStation },
  hour: { title: "hour of day (UTC)", column: "hour", of: byHour },
  reviewed: { title: "review", column: "reviewed", of: byReview },
  novelty: { title: "novelty", column: "novelty", of: continuous },
  probability: { title: "probability", column: "probability", of: continuous },
  snr: { title: "SNR", column: "snr", of: continuous },
  assigned: { title: "assigned", column: "assigned", of: byAssigned },
};

/**
 * The title of a choice and `paint()`, which colours all rows: `{indices, palette, legend, gradient}`. `indices`: place in
 * the palette of each row. `legend`: entries `{colour, text, patch, index, marker}`, where `patch` is the filter that an
 * entry stands for, or null. `gradient`: the colours of a quantity, if it is one.
 */
export async function colouring(app, name) {
  const { column, of, title } = COLOURINGS[name] ?? COLOURINGS.class;
  const { values } = await array(`columns/${column}`);
  return { title, paint: () => of(app, values, name) };
}

const entry = (index, colour, text, patch) => ({ index, colour, text, patch });

function byClass(app, values) {
  const palette = app.network.classes.map((each) => classColour(app, each.number));
  const legend = app.network.classes.map((each, index) =>
    ({ ...entry(index, palette[index], classTitle(app, each.number), { class: String(each.number) }), marker: classMarker(each.number) }));
  return { indices: values, palette, legend };
}

function byStation(app, values) {
  const codes = app.network.station_codes;
  const palette = codes.map((_, index) => seen(CATEGORICAL[index % CATEGORICAL.length]));
  return { indices: values, palette, legend: codes.map((code, index) => entry(index, palette[index], code, { station: code })) };
}

function byHour(app, values) {
  const palette = Array.from({ length: 24 }, (_, hour) => between(AROUND, hour / 24));
  const legend = palette.map((colour, hour) => entry(hour, colour, String(hour), { hours: `${hour}-${hour}` }));
  return { indices: values, palette, legend };
}

function byReview(app, values) {
  const names = app.network.reviewed_names;
  const known = new Map(app.network.classes.map((each) => [each.name, each.number]));
  const palette = [seen("#7f7f7f"), ...names.map((name, index) =>
    known.has(name) ? classColour(app, known.get(name)) : seen(CATEGORICAL[(index + 3) % CATEGORICAL.length]))];
  const legend = [entry(0, palette[0], "not reviewed", { reviewed: "no" }),
    ...names.map((name, index) => entry(index + 1, palette[index + 1], name, { reviewed_class: name }))];
  return { indices: Uint16Array.from(values, (code) => code + 1), palette, legend };
}

function byAssigned(app, values) {
  const palette = [seen("#D55E00"), seen("#0072B2")];
  const legend = [entry(1, palette[1], "assigned", { assigned: "yes" }), entry(0, palette[0], "not assigned", { assigned: "no" })];
  return { indices: values, palette, legend };
}

/** Colours from the 2nd to the 98th percentile; what is unknown has a colour of its own. */
function continuous(app, values, name) {
  const known = values.filter(Number.isFinite).sort();
  const [low, high] = known.length ? [0.02, 0.98].map((share) => known[Math.round(share * (known.length - 1))]) : [0, 1];
  const [first, last] = isDark() ? [0.2, 1] : [0, 0.9];
  const steps = Array.from({ length: STEPS }, (_, step) => between(VIRIDIS, first + ((last - first) * step) / (STEPS - 1)));
  const width = high > low ? high - low : 1;
  const indices = new Uint8Array(values.length).fill(STEPS);
  for (let row = 0; row < values.length; row++) {
    if (Number.isFinite(values[row])) indices[row] = Math.min(STEPS - 1, Math.max(0, Math.floor(((values[row] - low) / width) * STEPS)));
  }
  const palette = [...steps, seen("#CC79A7")];
  const unknown = values.length - known.length;
  const legend = unknown ? [entry(STEPS, palette[STEPS], "unknown", null)] : [];
  return { indices, palette, legend, gradient: { steps, low: number(low), high: number(high) } };
}

/** The colour at a share 0 to 1 of a list of colours. */
function between(colours, share) {
  const place = Math.min(0.9999, Math.max(0, share)) * (colours.length - 1);
  const at = Math.floor(place);
  const mix = (from, to) => Math.round(parseInt(from, 16) + (parseInt(to, 16) - parseInt(from, 16)) * (place - at));
  const part = (index) => mix(colours[at].slice(index, index + 2), colours[at + 1].slice(index, index + 2));
  return `#${[1, 3, 5].map((index) => part(index).toString(16).padStart(2, "0")).join("")}`;
}
