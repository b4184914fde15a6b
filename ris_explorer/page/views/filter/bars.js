// A small histogram over the two ends of a quantity.

import { fill } from "../parts/elements.js";
import { count, number } from "../parts/formats.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 24;

/** An element, and `show(distribution, label)`: bins of all events, and of those that pass; null shows nothing. */
export function bars() {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("class", "filter-bars");
  element.setAttribute("preserveAspectRatio", "none");
  element.setAttribute("role", "img");
  const show = (distribution, label) => {
    element.toggleAttribute("hidden", !distribution);
    if (!distribution) return;
    const { edges, counts, all, unknown } = distribution;
    const most = Math.max(1, ...all);
    element.setAttribute("viewBox", `0 0 ${all.length} ${HEIGHT}`);
    const without = unknown ? ` ${count(unknown)} of the events that pass have no value and pass no range.` : "";
    element.setAttribute("aria-label", `${label} from ${number(edges[0])} to ${number(edges.at(-1))}.${without}`);
    const title = document.createElementNS(SVG, "title");
    title.textContent = element.getAttribute("aria-label");
    fill(element, title, [all, counts].flatMap((bins, layer) => bins.map((n, bin) => bar(bin, heightOf(n, most), layer))));
  };
  show(null);
  return { element, show };
}

// Square roots let few events be seen beside many.
const heightOf = (n, most) => HEIGHT * Math.sqrt(n / most);

function bar(bin, height, layer) {
  const made = document.createElementNS(SVG, "rect");
  const places = { x: bin + 0.1, y: HEIGHT - height, width: 0.8, height, class: layer ? "passing" : "" };
  for (const [name, value] of Object.entries(places)) made.setAttribute(name, value);
  return made;
}
