// The filter in words: one sentence part for each parameter of the address.

import { classTitle } from "../parts/colours.js";
import { count, number } from "../parts/formats.js";

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** Quantities that have two ends: name in the address, title, and unit (a text, or what the network says). */
export const QUANTITIES = [
  ["snr", "SNR", () => "dB"],
  ["amplitude", "amplitude", (app) => app.network.amplitude_unit.replace("m/s^2", "m/s²")],
  ["probability", "probability", () => ""],
  ["novelty", "novelty", () => ""],
  ["frequency", "peak frequency", () => "Hz"],
  ["duration", "duration", () => "s"],
];

/** The month of a number 1 to 12. */
export const month = (value) => MONTHS[Number(value) - 1] ?? String(value);

/** Both ends of `3..5`, `3..` or `..5` as texts; null if it is no range. */
export function endsOf(value) {
  const part = "([-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][-+]?\\d+)?)?";
  const found = new RegExp(`^${part}\\.\\.${part}$`).exec(value);
  return found && [found[1] ?? "", found[2] ?? ""];
}

/** Both ends of `22-4`; null if it is none. */
export function cycleOf(value) {
  const found = /^(\d{1,2})-(\d{1,2})$/.exec(value);
  return found && [found[1], found[2]];
}

/** What a parameter of the filter asks for, in words; a value that cannot be read is said as it is. */
export function inWords(app, name, value) {
  const quantity = QUANTITIES.find(([each]) => each === name);
  if (quantity) return inEnds(quantity[1], quantity[2](app), value);
  const listed = value.split(",");
  switch (name) {
    case "station": return `station ${listed.join(", ")}`;
    case "class": return listed.map((each) => classTitle(app, each)).join(", ");
    case "reviewed_class": return `reviewed as ${value}`;
    case "from": return `from ${value}`;
    case "to": return `before ${value}`;
    case "hours": return inCycle(value, (ends) => `${ends.join(" to ")} h UTC`, value);
    case "months": return inCycle(value, (ends) => ends.map(month).join(" to "), value);
    case "assigned": return { yes: "assigned", no: "not assigned" }[value] ?? `assigned ${value}`;
    case "reviewed": return { yes: "reviewed", no: "not reviewed", audit: "reviewed, drawn at random" }[value] ?? `reviewed ${value}`;
    case "source": return { yes: "heard at other stations", no: "heard at one station" }[value] ?? `of the source of ${value}`;
    case "lasso": return `in a lasso of ${count(value.split(";").length)} corners`;
    case "events": return listed.length === 1 ? `event ${value}` : `${count(listed.length)} chosen events`;
    default: return `${name} ${value}`;
  }
}

function inEnds(title, unit, value) {
  const ends = endsOf(value);
  if (!ends) return `${title} ${value}`;
  const [low, high] = ends.map((end) => (end ? number(Number(end)) : ""));
  const of = unit ? ` ${unit}` : "";
  if (low && high) return `${title} ${low} to ${high}${of}`;
  return low ? `${title} at least ${low}${of}` : `${title} at most ${high}${of}`;
}

function inCycle(value, words, otherwise) {
  const ends = cycleOf(value);
  if (!ends) return otherwise;
  return words(ends[0] === ends[1] ? ends.slice(0, 1) : ends);
}
