// Pictures of the events that changed: all, or those of a cell, a row or a column of the cross-tabulation.

import { get, onlyLatest } from "../../api/api.js";
import { state } from "../../state/state.js";
import { failed, fill, h } from "../parts/elements.js";
import { count, events } from "../parts/formats.js";
import { thumbnail } from "../parts/thumbnail.js";
import { chosenCell, titleOf } from "./cross_table.js";

/** Build the gallery in `root`; returns a function that shows the events of a comparison, or none without one. */
export function mountChanges(root, app) {
  let found = null;
  const title = h("h2");
  const body = h("div", { "aria-live": "polite" });
  fill(root, title, body);
  const latest = onlyLatest();
  const called = (numbers, number) => titleOf(numbers.find((one) => one.number === number) ?? { number, name: "" });

  async function show() {
    root.hidden = !found?.events;
    if (root.hidden) return;
    const cell = chosenCell();
    title.textContent = titleWords(cell);
    const page = state.get("changes") || "1";
    try {
      const asked = { before: state.get("before"), after: state.get("after"), ...Object.fromEntries(state.filter()), ...cell, page };
      const answer = await latest((signal) => get("comparison/changed", asked, signal));
      if (answer !== undefined) fill(body, pictures(answer));
    } catch (error) {
      failed(body, error);
    }
  }

  function titleWords({ from_class, to_class }) {
    if (from_class !== undefined && to_class !== undefined && from_class === to_class) return `Events that stayed in ${called(found.before, Number(from_class))}`;
    if (from_class !== undefined && to_class !== undefined) {
      return `Events that went from ${called(found.before, Number(from_class))} to ${called(found.after, Number(to_class))}`;
    }
    if (from_class !== undefined) return `Events of ${called(found.before, Number(from_class))} before`;
    return to_class === undefined ? "Events that changed" : `Events of ${called(found.after, Number(to_class))} after`;
  }

  function pictures({ events: all, page, pages, shown, identifiers }) {
    if (!all) return [h("p", { class: "absent" }, "No such event.")];
    const turn = (to, words) => h("button", { type: "button", disabled: to < 1 || to > pages, onclick: () => state.set({ changes: to }) }, words);
    const some = identifiers.length < all ? `Show the first ${count(identifiers.length)} in Events` : "Show in Events";
    return [
      h("p", { class: "comparison-actions" }, `${events(all)}, in the order of time. `,
        h("button", { type: "button", onclick: () => state.set({ view: "events", events: identifiers.join(",") }) }, some),
        state.get("cell") ? h("button", { type: "button", onclick: () => state.set({ cell: null, changes: null }) }, "All that changed") : null,
        pages > 1 ? h("span", {}, turn(page - 1, "Previous"), ` page ${page} of ${pages} `, turn(page + 1, "Next")) : null),
      h("div", { class: "comparison-pictures" }, shown.map(({ event_id, before, after }) => {
        const words = `${called(found.before, before)} → ${called(found.after, after)}`;
        return h("button", { type: "button", class: "comparison-picture", "aria-label": `Open ${event_id}: ${words}`,
          onclick: () => state.set({ view: "events", event: event_id }) }, thumbnail(app, event_id, { caption: words }));
      })),
    ];
  }

  state.on(["cell", "changes"], () => state.get("view") === "comparison" && show());
  return (comparison) => {
    found = comparison;
    show();
  };
}
