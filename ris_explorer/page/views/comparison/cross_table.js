// The cross-tabulation: classes before in rows, classes after in columns, common ones on the diagonal.

import { state } from "../../state/state.js";
import { h } from "../parts/elements.js";
import { count, number } from "../parts/formats.js";
import { seen } from "../parts/colours.js";

/** "3 stick-slip"; a class whose name is its number has the number alone. */
export const titleOf = (one) => (one.name && one.name !== String(one.number) ? `${one.number} ${one.name}` : `class ${one.number}`);

/** The cell of the address: `{from_class, to_class}`, as text; empty where all changed events are meant. */
export function chosenCell() {
  const match = /^(-?\d*)>(-?\d*)$/.exec(state.get("cell"));
  return match ? Object.fromEntries([["from_class", match[1]], ["to_class", match[2]]].filter(([, value]) => value !== "")) : {};
}

const open = (cell) => state.set({ cell, changes: null });

/** The table; a cell, a row or a column opens the events of it. */
export function crossTable(found) {
  const head = (one, cell, scope) => h("th", { scope },
    h("button", { type: "button", class: "comparison-class", "aria-label": `${titleOf(one)}, ${count(one.events)} events`, onclick: () => open(cell) },
      h("span", { class: "comparison-mark", style: { background: seen(one.colour) }, "aria-hidden": "true" }), titleOf(one)));
  const same = (row, column) => found.before[row].number === found.after[column].number;
  const cell = (row, column) => {
    const n = found.counts[row][column];
    if (!n) return h("td", { class: "comparison-empty" }, "·");
    const [before, after] = [found.before[row], found.after[column]];
    const share = n / before.events;
    const kept = same(row, column);
    return h("td", { class: kept ? "comparison-kept" : null },
      h("button", { type: "button", class: "comparison-cell", "data-cell": `${before.number}>${after.number}`,
        style: { "--share": String(share) },
        "aria-label": `${count(n)} events ${kept ? "stay" : "go"} from ${titleOf(before)} to ${titleOf(after)}, ${number(100 * share)} % of the class before`,
        onclick: () => open(`${before.number}>${after.number}`) },
      h("b", {}, count(n)), ` ${number(100 * share, 2)} %`));
  };
  return h("div", {},
    h("table", { class: "comparison-cross" },
      h("caption", {}, "Events by class before (rows) and after (columns); percent of the class before. Framed: the same class number."),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "before \\ after"), found.after.map((one) => head(one, `>${one.number}`, "col")), h("th", { scope: "col" }, "all"))),
      h("tbody", {}, found.before.map((one, row) => h("tr", {}, head(one, `${one.number}>`, "row"),
        found.after.map((_, column) => cell(row, column)), h("td", { class: "comparison-sum" }, count(one.events))))),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "all"), found.after.map((one) => h("td", { class: "comparison-sum" }, count(one.events))),
        h("td", { class: "comparison-sum" }, count(found.events))))));
}
