// More like this: the nearest events in the features of the model that labels.

import { get, onlyLatest } from "../../api/api.js";
import { state } from "../../state/state.js";
import { classTitle } from "../parts/colours.js";
import { failed, fill, h } from "../parts/elements.js";
import { number } from "../parts/formats.js";
import { thumbnail } from "../parts/thumbnail.js";

const NUMBERS = [12, 24, 60, 200];
const SHOWN = 12;

/** The part "More like this": `show(event_id)`. */
export function likeIt(app) {
  const latest = onlyLatest();
  const body = h("div", {});
  const choice = h("select", { "aria-label": "How many", onchange: () => ask() }, NUMBERS.map((each) => h("option", { value: String(each) }, String(each))));
  const open = h("button", { type: "button", onclick: () => ask() }, "More like this");
  const element = h("section", { class: "event-part" }, h("h3", {}, "More like this"), h("div", { class: "event-row" }, open, choice), body);
  let now = "";

  async function ask() {
    const event_id = now;
    fill(body, h("p", { class: "absent" }, "Asking for the nearest events."));
    try {
      const found = await latest((signal) => get(`events/${encodeURIComponent(event_id)}/neighbours`, { number: choice.value }, signal));
      if (found && event_id === now) draw(event_id, found);
    } catch (error) {
      failed(body, error);
    }
  }

  function draw(event_id, found) {
    const names = found.events.map((each) => each.event_id);
    const pictures = found.events.slice(0, SHOWN).map((each) =>
      h("button", { type: "button", class: "event-like", onclick: () => state.set({ event: each.event_id }),
        "aria-label": `${each.station}, ${classTitle(app, each.class)}, distance ${number(each.distance)}` },
        thumbnail(app, each.event_id, { caption: `${each.station} · ${classTitle(app, each.class)} · ${number(each.distance)}`, about: "" })));
    fill(body,
      h("button", { type: "button", onclick: () => state.set({ events: [event_id, ...names].join(","), tab: "gallery" }) },
        `Show these ${names.length} and the event on map and gallery`),
      h("div", { class: "event-likes" }, pictures),
      h("p", { class: "event-words" }, `${names.length > SHOWN ? `The nearest ${SHOWN} of ${names.length} are drawn. ` : ""}Distance: ${found.metric}.` +
        `${found.absent ? ` ${found.absent} of the nearest are not in the catalogue any more.` : ""}`));
  }

  function show(event_id) {
    now = event_id;
    fill(body);
  }

  return { element, show, ask };
}
