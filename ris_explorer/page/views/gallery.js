// Pictures of the events that pass, page by page, in an order that is chosen.

import { get, onlyLatest } from "../api/api.js";
import { state } from "../state/state.js";
import { createGrid } from "./gallery/grid.js";
import { assignControl } from "./parts/assign.js";
import { classTitle } from "./parts/colours.js";
import { failed, fill, h } from "./parts/elements.js";
import { count, events, number, time } from "./parts/formats.js";

const SORTS = [
  ["time", "time"], ["distance", "distance to the class centre"], ["probability", "probability"], ["novelty", "novelty"],
  ["snr", "signal-to-noise ratio"],
];
const SHORT = { distance: "distance", probability: "probability", novelty: "novelty", snr: "SNR" };
const UNITS = { snr: " dB" };
const MOST_IN_ADDRESS = 300;

/** Build the view in `root`. */
export function mountGallery(root, app) {
  const selected = new Set();
  const words = h("p", { class: "gallery-words", role: "status" }, "Reading the events.");
  const grid = createGrid(app, selected, { onSelected: showSelected, captionOf, onPage: (step) => turn(step) });
  const pager = h("nav", { class: "gallery-pager", "aria-label": "Pages of the gallery" });
  const acts = h("div", { class: "gallery-selected", hidden: true });
  const sums = h("span", { class: "gallery-sums", role: "status" });
  let shown = null;

  fill(acts, sums,
    assignControl(app, () => ({ event_ids: [...selected] }), { label: "Assign selected" }),
    h("button", { type: "button", onclick: showThese }, "Show only these"),
    h("button", { type: "button", onclick: () => { selected.clear(); grid.marks(); showSelected(); } }, "Select none"));
  const all = h("button", { type: "button", onclick: () => grid.selectAll() }, "Select page");
  root.append(h("div", { class: "gallery-controls" }, sortControl(), pager, all), acts, words, grid.element);

  function captionOf(event) {
    const column = state.get("sort").replace("-", "");
    const value = column === "time" ? ["probability", event.probability] : [column, event[column]];
    return {
      lines: [time(event.time).replace(" UTC", ""), `${event.station} `, `${SHORT[value[0]]} ${number(value[1])}${UNITS[value[0]] ?? ""}`],
      about: `${event.station}, ${time(event.time)}, ${classTitle(app, event.class)}, ${nameOf(value[0])} ${number(value[1])}` +
        `${event.assigned ? "" : ", not assigned"}${event.reviewed ? `, reviewed as ${event.reviewed}` : ""}`,
    };
  }

  function showSelected() {
    acts.hidden = !selected.size;
    const here = shown ? shown.events.filter(({ event_id }) => selected.has(event_id)).length : 0;
    const elsewhere = selected.size - here;
    sums.textContent = `${events(selected.size)} selected${elsewhere ? `, ${count(elsewhere)} on other pages` : ""}`;
  }

  function showThese() {
    if (selected.size > MOST_IN_ADDRESS) {
      sums.textContent = `${count(selected.size)} are too many for an address; at most ${MOST_IN_ADDRESS} can be shown so.`;
      return;
    }
    state.set({ events: [...selected].join(",") });
  }

  function turn(step) {
    if (!shown) return false;
    const next = shown.page + step;
    if (next < 1 || next > shown.pages) return false;
    state.set({ page: next });
    return true;
  }

  function showPager() {
    const go = (text, label, page) =>
      h("button", { type: "button", "aria-label": label, disabled: page < 1 || page > shown.pages || page === shown.page,
        onclick: () => state.set({ page }) }, text);
    const field = h("input", { type: "number", min: "1", max: String(shown.pages), value: String(shown.page),
      "aria-label": "Page", onchange: (event) => state.set({ page: Math.max(1, Math.min(shown.pages, Number(event.target.value) || 1)) }) });
    fill(pager, go("«", "First page", 1), go("‹", "Page before", shown.page - 1), field, h("span", {}, `of ${count(shown.pages)}`),
      go("›", "Page after", shown.page + 1), go("»", "Last page", shown.pages));
  }

  const latest = onlyLatest();
  async function load() {
    try {
      const query = state.filter();
      query.set("sort", state.get("sort"));
      query.set("page", state.get("page"));
      root.setAttribute("aria-busy", "true");
      const found = await latest((signal) => get("gallery", query, signal));
      if (!found) return;
      shown = found;
      const column = state.get("sort").replace("-", "");
      const unknown = found.unknown ? ` ${count(found.unknown)} have no ${nameOf(column)}; they come last.` : "";
      words.className = "gallery-words";
      words.textContent = found.total
        ? `${events(found.total)}, ${(found.page - 1) * 60 + 1} to ${(found.page - 1) * 60 + found.events.length}.${unknown}`
        : "No event passes the filter: there is nothing to show. Take a part of the filter away.";
      showPager();
      all.disabled = !found.total;
      grid.show(found.events);
      showSelected();
    } catch (error) {
      grid.show([]);
      failed(words, error);
    }
    root.removeAttribute("aria-busy");
  }

  state.on(["filter"], () => { selected.clear(); showSelected(); });
  state.on(["filter", "sort", "page"], load);
  app.onRenewed(load);
  load();
}

const nameOf = (column) => SORTS.find(([name]) => name === column)?.[1] ?? column;

function sortControl() {
  const choice = h("select", { "aria-label": "Sort by", onchange: () => set(choice.value, false) },
    SORTS.map(([name, title]) => h("option", { value: name }, title)));
  const turnRound = h("button", { type: "button", onclick: () => set(choice.value, !state.get("sort").startsWith("-")) });
  const set = (column, down) => state.set({ sort: `${down ? "-" : ""}${column}`, page: null });
  const show = () => {
    const sort = state.get("sort");
    choice.value = sort.replace("-", "");
    turnRound.textContent = sort.startsWith("-") ? "↓ great to small" : "↑ small to great";
    turnRound.setAttribute("aria-label", `Order: ${sort.startsWith("-") ? "from great to small" : "from small to great"}`);
  };
  state.on(["sort"], show);
  show();
  return h("label", { class: "gallery-sort" }, "Sort by ", choice, turnRound);
}
