// A rose: a cycle with its parts around a circle; the area of a part grows with its value, classes lie one on another.

import { classColour, classTitle } from "./colours.js";
import { count, events, number } from "./formats.js";
import { h } from "./elements.js";
import { onCircle, pressable, ring, roving, svg } from "./svg.js";

const SIZE = 250;
const MIDDLE = SIZE / 2;
const INNER = 14;
const OUTER = 100;

/** Values of the parts, classes × parts; null where there is no live time for a rate. */
const valuesOf = (cycle, measure) => (measure === "rates" ? cycle.rates : cycle.counts);

/** Sum over the classes in each part; null without live time. */
const totals = (cycle, measure) =>
  measure === "rates" ? cycle.all_rates : cycle.names.map((_, part) => cycle.counts.reduce((sum, own) => sum + own[part], 0));

/** A part in words. */
export function partText(app, cycle, part, measure, level) {
  const counted = totals(cycle, "counts")[part];
  const said = [`${cycle.names[part]}: ${events(counted)}`];
  if (cycle.live_hours) {
    said.push(cycle.live_hours[part] ? `${number(cycle.live_hours[part])} live hours` : "no live time");
    if (measure === "rates" && cycle.all_rates[part] !== null) {
      said.push(`${number(cycle.all_rates[part])} per live hour (${Math.round(100 * level)} %: ${number(cycle.low[part])} to ${number(cycle.high[part])})`);
    }
  }
  cycle.classes.forEach((cls, row) => {
    if (cycle.counts[row][part]) said.push(`${classTitle(app, cls)} ${count(cycle.counts[row][part])}`);
  });
  return said.join(", ");
}

/**
 * Draw a rose. `labels` are the names that are written around it, by part; `chosen(part)` says whether the filter has a
 * part, `choose(part, event)` filters by it; without `choose` parts are no buttons.
 */
export function rose(app, cycle, { title, measure, level, labels, chosen = () => false, choose = null }) {
  const values = valuesOf(cycle, measure);
  const all = totals(cycle, measure);
  const most = Math.max(0, ...all.filter((value) => value !== null));
  const radius = (value) => Math.sqrt(INNER ** 2 + (most ? value / most : 0) * (OUTER ** 2 - INNER ** 2));
  const parts = cycle.names.map((_, part) => {
    const [begin, end] = [part / cycle.names.length, (part + 1) / cycle.names.length];
    const text = partText(app, cycle, part, measure, level);
    const shapes = [svg("path", { d: ring(MIDDLE, MIDDLE, INNER, OUTER, begin, end), class: "rose-ground" })];
    if (cycle.live_hours && !cycle.live_hours[part]) shapes.push(svg("path", { d: ring(MIDDLE, MIDDLE, INNER, OUTER, begin, end), fill: "url(#rose-absent)" }));
    let below = 0;
    cycle.classes.forEach((cls, row) => {
      const value = values[row][part];
      if (!value) return;
      const shape = ring(MIDDLE, MIDDLE, radius(below), radius(below + value), begin, end);
      shapes.push(svg("path", { d: shape, fill: classColour(app, cls), class: "rose-class" }));
      below += value;
    });
    if (chosen(part)) shapes.push(svg("path", { d: ring(MIDDLE, MIDDLE, OUTER + 1, OUTER + 5, begin, end), class: "rose-chosen" }));
    const button = choose ? pressable(text, chosen(part), (event) => choose(part, event)) : { role: "img", "aria-label": text };
    return svg("g", { class: choose ? "rose-part" : "", ...button }, svg("title", {}, text), shapes);
  });
  if (choose) roving(parts);
  const words = labels.map(([part, text, middle]) => {
    const [x, y] = onCircle(MIDDLE, MIDDLE, OUTER + 14, (part + (middle ? 0.5 : 0)) / cycle.names.length);
    return svg("text", { x, y, "text-anchor": "middle", "dominant-baseline": "central", class: "rose-label" }, text);
  });
  const unit = measure === "rates" ? "events per live hour" : "events";
  return h("figure", { class: "rose" },
    h("figcaption", {}, title),
    svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, width: SIZE, height: SIZE, role: "group", "aria-label": `${title}: ${unit} by class` },
      svg("defs", {}, svg("pattern", { id: "rose-absent", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "rose-hatch" }))),
      parts, words, svg("circle", { cx: MIDDLE, cy: MIDDLE, r: OUTER, class: "rose-edge" })),
    h("p", {}, most ? `The outer circle is ${number(most)} ${unit}.` : "No event passes the filter."));
}

/** The parts of a rose as a table. */
export function roseTable(app, cycle, title, measure) {
  const shown = cycle.classes.map((cls, row) => [cls, row]).filter(([, row]) => cycle.counts[row].some((n) => n > 0));
  const unit = measure === "rates" ? " (1/h)" : "";
  const values = valuesOf(cycle, measure);
  const text = (value) => (value === null ? "no live time" : measure === "rates" ? number(value) : count(value));
  return h("table", {}, h("caption", {}, title),
    h("thead", {}, h("tr", {}, ["Part", "live hours", `all${unit}`, ...shown.map(([cls]) => classTitle(app, cls) + unit)].map((word) => h("th", { scope: "col" }, word)))),
    h("tbody", {}, cycle.names.map((name, part) => h("tr", {}, h("th", { scope: "row" }, name),
      h("td", {}, cycle.live_hours ? number(cycle.live_hours[part]) : "not known"),
      h("td", {}, text(totals(cycle, measure)[part])),
      shown.map(([, row]) => h("td", {}, text(values[row][part])))))));
}
