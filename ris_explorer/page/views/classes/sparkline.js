// A small line of the rate of a class over time.

import { h } from "../parts/elements.js";
import { number } from "../parts/formats.js";

const WIDTH = 150;
const HEIGHT = 34;
const ALONE = 4;
const SPACE = "http://www.w3.org/2000/svg";

/** A line of rates (null: no live time, a gap) in the bins of `rates`, with the greatest and the last one in words. */
export function sparkline(values, { bin, starts }, name) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return h("span", { class: "absent" }, "no live time");
  const most = Math.max(...known);
  const first = starts[0];
  const x = (place) => 1 + ((WIDTH - 2 - ALONE) * (starts[place] - first)) / Math.max(1, starts[starts.length - 1] - first);
  const y = (value) => HEIGHT - 2 - (most ? ((HEIGHT - 4) * value) / most : 0);
  let path = "";
  values.forEach((value, place) => {
    if (value === null) return;
    const begins = place === 0 || values[place - 1] === null;
    const alone = begins && (values[place + 1] ?? null) === null;
    path += `${begins ? "M" : "L"}${x(place).toFixed(1)},${y(value).toFixed(1)}`;
    if (alone) path += `h${ALONE}`; // a bin between gaps, or the only one, is seen as well
  });
  const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const words = `Rate of ${name} by ${bin}, ${day(first)} to ${day(starts[starts.length - 1])}: at most ${number(most)} per hour of live time`;
  const picture = document.createElementNS(SPACE, "svg");
  const line = document.createElementNS(SPACE, "path");
  for (const [key, value] of Object.entries({ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": words })) picture.setAttribute(key, value);
  for (const [key, value] of Object.entries({ d: path, class: "classes-line" })) line.setAttribute(key, value);
  picture.append(line);
  return h("div", { title: words }, picture, h("div", { class: "absent" }, `by ${bin}, at most ${number(most)} /h`));
}
