// What the tables say of an event: memberships, the same source elsewhere, reviews, fields, attributes, links.

import { get } from "../../api/api.js";
import { state } from "../../state/state.js";
import { classColour, classMarker, classTitle } from "../parts/colours.js";
import { failed, fill, h } from "../parts/elements.js";
import { number, time } from "../parts/formats.js";

/** A part with a heading, or with the reason why it is not there. */
export function part(title, content, ...of) {
  const body = content?.error ? [h("p", { class: "absent" }, content.error)] : of.flat();
  return h("section", { class: "event-part" }, h("h3", {}, title), body);
}

/** A button that opens another event. */
export const eventLink = (event_id, text) =>
  h("button", { type: "button", class: "event-link", title: event_id, onclick: () => state.set({ event: event_id }) }, text);

export const classMark = (app, label) =>
  h("span", { class: "event-class" }, h("span", { "aria-hidden": "true", style: { color: classColour(app, label) } }, classMarker(label)),
    ` ${classTitle(app, label)}`);

/** Memberships as bars, and what the model that labels says besides. */
export function memberships(app, found, kind) {
  if (found.error) return part("Memberships", found);
  const bars = [...found.bars].sort((one, other) => one.class - other.class).map(({ class: label, probability }) =>
    h("tr", {}, h("th", { scope: "row" }, classMark(app, label)),
      h("td", { class: "event-bar" }, h("div", { "aria-hidden": "true", style: { width: `${Math.max(0, Math.min(1, probability)) * 100}%`, background: classColour(app, label) } })),
      h("td", { class: "event-number" }, probability.toFixed(3))));
  const threshold = found.novelty_threshold === null ? "" : `, threshold ${number(found.novelty_threshold)}`;
  const said = [
    `${found.words}${kind ? ` (${kind})` : ""}.`,
    `Novelty ${number(found.novelty)}${threshold}; ${assignedInWords(found)}.`,
  ];
  if (found.conformal_set) {
    const names = found.conformal_set.map(({ class: label }) => classTitle(app, label));
    said.push(`Conformal set: ${names.length ? names.join(", ") : "no class"}. ${found.new ? "New: unlike all reviewed events." : "Not new."}`);
    if (found.unsupervised_label !== null) said.push(`By the model without reviews: ${found.unsupervised_label}.`);
  }
  if (!found.of_present_model) said.push(`These are of an earlier model, ${found.model_version}; \`ris run --only label\` labels again.`);
  return part("Memberships", found, h("table", { class: "event-bars" }, h("tbody", {}, bars)), said.map((text) => h("p", { class: "event-words" }, text)));
}

function assignedInWords({ assigned, conformal_set: set }) {
  if (!assigned) return "not assigned: it is no clear member of its class";
  return set && set.length !== 1 ? "assigned to its class by its review, not by the model" : "assigned to its class";
}

export function sameSource(app, others, source) {
  const title = "The same source at other stations";
  if (!others.length) return part(title, null, h("p", { class: "absent" }, "No other station heard it, or its class takes no part (docs/analysis.md)."));
  const rows = others.map((each) => h("tr", {}, h("td", {}, eventLink(each.event_id, each.station)), h("td", {}, classMark(app, each.class)),
    h("td", { class: "event-number" }, `${each.later >= 0 ? "+" : "−"}${Math.abs(each.later).toFixed(2)} s`)));
  return part(title, null,
    h("table", {}, h("thead", {}, h("tr", {}, ["station", "class", "peak later by"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows)),
    h("button", { type: "button", onclick: () => state.set({ source }) }, "Show this source alone"));
}

/** What reviewers have said; closed, so that a person can judge first. */
export function reviews(event_id) {
  const body = h("div", {});
  const details = h("details", { class: "event-part", ontoggle: async () => {
    if (!details.open) return;
    try {
      const { words, final } = await get(`reviews/${encodeURIComponent(event_id)}`);
      if (!words.length) return void fill(body, h("p", { class: "absent" }, "Nobody has reviewed this event."));
      fill(body, h("p", {}, final ? `Final word: ${final}.` : "No final word: reviewers differ or are unsure."),
        h("ul", {}, words.map((word) => h("li", {}, `${word.reviewer}: ${word.class_name}, ${time(word.time)}${word.bulk ? ", in bulk" : ""}${word.note ? `. ${word.note}` : ""}`))));
    } catch (error) {
      failed(body, error);
    }
  } }, h("summary", {}, "Reviews so far (open after you have judged)"), body);
  return details;
}

/** A table of fields: name, value, unit, meaning. */
export function fields(title, found, { open = false } = {}) {
  if (found.error) return part(title, found);
  const rows = found.map(({ name, value, unit, about, source }) =>
    h("tr", { title: source ? `From: ${source}` : null }, h("th", { scope: "row" }, name), h("td", { class: "event-value" }, text(value), unit ? ` ${unit}` : ""), h("td", { class: "event-about" }, about)));
  return h("details", { class: "event-part", open }, h("summary", {}, title),
    h("table", { class: "event-fields" }, h("thead", {}, h("tr", {}, ["field", "value", "meaning"].map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows)));
}

function text(value) {
  if (value === null || value === "") return "none";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : number(value, 5);
  return value === true ? "yes" : value === false ? "no" : String(value);
}

/** Files to save, and pages of other servers. */
export function leads(event_id, signal, component, links) {
  const base = `/api/events/${encodeURIComponent(event_id)}/download`;
  const of = component ? `?component=${encodeURIComponent(component)}` : "";
  const file = (address, words) => h("li", {}, h("a", { href: address, download: "" }, words));
  const files = signal
    ? [file(`${base}/event.mseed`, "miniSEED, conditioned"), file(`${base}/event.csv${of}`, "CSV"), file(`${base}/event.png${of}`, "PNG")]
    : [];
  if (signal?.raw.at_hand) files.splice(1, 0, file(`${base}/raw.mseed`, "miniSEED, raw"));
  const pages = links.map(({ text: words, address }) => h("li", {}, h("a", { href: address, target: "_blank", rel: "noopener" }, words)));
  return part("Files and pages", null, h("ul", { class: "event-leads" }, files, pages),
    links.length ? null : h("p", { class: "absent" }, "The addresses of Dagster and MLflow are not known to this explorer (`ris ui` starts all three)."));
}
