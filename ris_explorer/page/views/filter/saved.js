// Filters that a person has given a name: they are kept in the browser, for each network.

import { FILTER, state } from "../../state/state.js";
import { fill, h, say } from "../parts/elements.js";

/** The element. */
export function savedFilters(app) {
  const key = `explorer-filters:${app.network.name}`;
  const list = h("ul", { class: "filter-saved" });
  const name = h("input", { type: "text", maxlength: "80", required: true, placeholder: "name", "aria-label": "Name of the filter" });
  const form = h("form", { class: "filter-row", onsubmit: (event) => { event.preventDefault(); save(name.value.trim()); } },
    name, h("button", {}, "Save"));

  const read = () => {
    try {
      const found = JSON.parse(window.localStorage.getItem(key) ?? "{}");
      return new Map(Object.entries(found).filter(([, query]) => typeof query === "string"));
    } catch {
      return new Map();
    }
  };
  const write = (filters) => {
    try {
      window.localStorage.setItem(key, JSON.stringify(Object.fromEntries(filters)));
    } catch {
      say("This browser keeps nothing for this page; copy the link instead.", { trouble: true });
    }
    show();
  };
  function save(text) {
    if (!text) return;
    if (!state.filtered) {
      say("There is no filter to save.");
      return;
    }
    write(read().set(text, state.filter().toString()));
    name.value = "";
    say(`Saved as ${text}.`);
  }
  const apply = (query) => {
    const found = new URLSearchParams(query);
    state.set(Object.fromEntries(FILTER.map((each) => [each, found.get(each)])));
  };
  const remove = (text) => {
    const filters = read();
    filters.delete(text);
    write(filters);
  };
  function show() {
    fill(list, [...read()].map(([text, query]) => h("li", {},
      h("a", { href: `?${query}`, onclick: (event) => { event.preventDefault(); apply(query); } }, text),
      h("button", { type: "button", class: "filter-reset", "aria-label": `Delete the filter ${text}`, title: "Delete", onclick: () => remove(text) }, "×"))));
  }
  show();
  return h("details", { class: "filter-section", open: true }, h("summary", {}, "Saved filters"), list, form);
}
