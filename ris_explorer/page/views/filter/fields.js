// Fields of the filter. Each has an element and `show()`, which makes it say what the address says.

import { state } from "../../state/state.js";
import { fill, h } from "../parts/elements.js";
import { count } from "../parts/formats.js";
import { bars } from "./bars.js";
import { cycleOf, endsOf } from "./words.js";

const SOON_MS = 350;
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?Z?$/;

/** A part of the filter that opens and closes; `names` are its parameters: it opens if one of them restricts. */
export function section(title, names, open, ...fields) {
  const reset = h("button", { type: "button", class: "filter-reset", title: `Reset ${title}`, "aria-label": `Reset ${title}`, onclick: () => state.clear(names) }, "×");
  const element = h("details", { class: "filter-section", open }, h("summary", {}, title), reset, fields.map((field) => field.element));
  const show = () => {
    const restricts = names.some((name) => state.get(name));
    reset.hidden = !restricts;
    if (restricts) element.open = true;
    for (const field of fields) field.show();
  };
  state.on(names, show);
  show();
  return element;
}

/**
 * A list of checkboxes: `choices()` gives [{value, text, marker, colour}]. `renew(choices, counts)` shows other choices and
 * the events of each.
 */
export function checkList(name, label) {
  const element = h("div", { class: "filter-list", role: "group", "aria-label": label });
  let choices = [];
  const chosen = () => new Set(state.get(name).split(",").filter(Boolean));
  const change = (value, on) => {
    const next = chosen();
    if (on) next.add(value);
    else next.delete(value);
    const kept = choices.map((each) => each.value).filter((each) => next.has(each));
    const others = [...next].filter((each) => !kept.includes(each));
    state.set({ [name]: kept.length === choices.length ? null : [...kept, ...others].join(",") });
  };
  const boxes = new Map();
  return {
    element,
    show: () => {
      const now = chosen();
      for (const [value, { box }] of boxes) box.checked = now.has(value);
    },
    renew(next, counts) {
      const same = next.length === choices.length && next.every((each, index) => each.value === choices[index].value && each.text === choices[index].text && each.colour === choices[index].colour);
      if (!same) {
        choices = next;
        boxes.clear();
        fill(element, choices.map(({ value, text, marker, colour }) => {
          const box = h("input", { type: "checkbox", onchange: () => change(value, box.checked) });
          const number = h("span", { class: "filter-count" });
          boxes.set(value, { box, number });
          return h("label", {}, box, marker && h("span", { style: { color: colour }, "aria-hidden": "true" }, marker), h("span", { class: "filter-text" }, text), number);
        }));
        this.show();
      }
      for (const [value, { number }] of boxes) number.textContent = counts ? count(counts[value] ?? 0) : "";
    },
  };
}

/** One of several choices [[value, text]]; the first is no restriction. `renew(choices)` shows others. */
export function choice(name, label, choices) {
  const select = h("select", { onchange: () => state.set({ [name]: select.value }) });
  const element = h("label", { class: "filter-row" }, h("span", {}, label), select);
  const show = () => {
    const value = state.get(name);
    const known = choices.some(([each]) => each === value);
    const shown = known ? choices : [...choices, [value, value]];
    fill(select, shown.map(([each, text]) => h("option", { value: each }, text)));
    select.value = value;
  };
  return { element, show, renew: (next) => { choices = next; show(); } };
}

/** A text field that changes the address soon after typing; `read(text)` returns the value, or null if it is none yet. */
function typed(label, read, change, attributes = {}) {
  const input = h("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-label": label, title: label, ...attributes });
  let timer = 0; // runs from typing until the text is taken; until then nothing else is shown in the field
  const take = () => {
    clearTimeout(timer);
    timer = 0;
    const value = read(input.value.trim());
    input.setAttribute("aria-invalid", String(value === null));
    if (value !== null) change(value);
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(take, SOON_MS); });
  input.addEventListener("change", take);
  return {
    input,
    show: (value) => {
      if (timer) return;
      if (document.activeElement === input && input.getAttribute("aria-invalid") === "true") return;
      if (document.activeElement === input && read(input.value.trim()) === value) return;
      input.value = value;
      input.setAttribute("aria-invalid", "false");
    },
  };
}

const numberOf = (text) => (text === "" ? "" : Number.isFinite(Number(text)) ? String(Number(text)) : null);

/** Two ends of a quantity. `distribute(distribution)` shows how its values are distributed, null that this is not known. */
export function ends(name, label, unit) {
  const between = unit ? `${label}, ${unit}` : label;
  const now = () => endsOf(state.get(name)) ?? ["", ""];
  const change = (index) => (value) => {
    const next = now();
    next[index] = value;
    state.set({ [name]: next.some(Boolean) ? next.join("..") : null });
  };
  const fields = ["at least", "at most"].map((text, index) => typed(`${between}: ${text}`, numberOf, change(index), { inputmode: "decimal", placeholder: text }));
  const histogram = bars();
  const row = h("div", { class: "filter-row filter-ends" }, h("span", {}, between), fields.map((each) => each.input));
  const distribute = (distribution) => histogram.show(distribution, between);
  return { name, distribute, element: h("div", {}, histogram.element, row), show: () => now().forEach((value, index) => fields[index].show(value)) };
}

/** A time as text; `name` is from or to. */
export function timeField(name, label, placeholder) {
  const read = (text) => (text === "" || (TIME.test(text) && Number.isFinite(Date.parse(text.slice(0, 10)))) ? text.replace(" ", "T") : null);
  const field = typed(`${label}, UTC, like 2015-01-31 or 2015-01-31 06:00`, read, (value) => state.set({ [name]: value }), { placeholder });
  const element = h("div", { class: "filter-row" }, h("span", {}, label), field.input);
  return { element, show: () => field.show(state.get(name)) };
}

/** First and last of something that goes around, like hours: `choices` [[value, text]]. */
export function cycle(name, label, choices) {
  const selects = ["from", "to"].map((which) =>
    h("select", { "aria-label": `${label}: ${which}`, onchange: () => change(which === "from" ? 0 : 1) },
      h("option", { value: "" }, which), choices.map(([value, text]) => h("option", { value }, text))));
  const change = (index) => {
    const chosen = selects.map((select) => select.value);
    if (chosen[index] === "") state.set({ [name]: null });
    else state.set({ [name]: `${chosen[0] || choices[0][0]}-${chosen[1] || choices.at(-1)[0]}` });
  };
  const element = h("div", { class: "filter-row filter-ends" }, h("span", {}, label), selects);
  return { element, show: () => (cycleOf(state.get(name)) ?? ["", ""]).forEach((value, index) => { selects[index].value = value === "" ? "" : String(Number(value)); }) };
}
