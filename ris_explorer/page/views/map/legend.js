// The legend of the map: colours, what they stand for, how many events of the selection; each entry filters.

import { state } from "../../state/state.js";
import { fill, h } from "../parts/elements.js";
import { count } from "../parts/formats.js";

const REPEAT = 8;

/** An element, and `show(title, paint, counts)`: `paint` is that of `colouring`, `counts` the events of each colour. */
export function mapLegend() {
  const element = h("div", { class: "map-legend", role: "group", "aria-label": "Legend of the map" });
  const show = (title, { legend, gradient, palette }, counts) => {
    fill(element,
      h("span", { class: "map-title" }, title),
      gradient && h("span", { class: "map-gradient" }, gradient.low,
        h("span", { class: "map-ramp", role: "img", "aria-label": `colours from ${gradient.low} (dark to light) to ${gradient.high}`,
          style: { background: `linear-gradient(to right, ${gradient.steps.join(",")})` } }), gradient.high),
      legend.map((each) => one(each, counts[each.index])),
      !gradient && palette.length > REPEAT + 1 && title !== "hour of day (UTC)" && h("span", { class: "absent" }, "colours repeat after 8"));
  };
  return { element, show };
}

function one({ colour, text, patch, marker = "●" }, n) {
  const swatch = h("span", { class: "map-swatch", style: { color: colour }, "aria-hidden": "true" }, marker);
  const words = [swatch, text, " ", h("span", { class: "map-count" }, count(n))];
  if (!patch) return h("span", { class: "map-entry" }, words);
  const on = Object.entries(patch).every(([name, value]) => state.get(name) === value);
  const toggle = () => state.set(on ? Object.fromEntries(Object.keys(patch).map((name) => [name, null])) : patch);
  return h("button", { type: "button", class: "map-entry", "aria-pressed": String(on), title: on ? "Show all again" : "Only these", onclick: toggle }, words);
}
