// Small pictures of events: spectrogram above trace. All that are asked for in one moment come in one request.

import { get } from "../../api/api.js";
import { fill, h } from "./elements.js";

const AT_ONCE = 60;
const KEPT = 600;
const kept = new Map();
let waiting = new Map();

/**
 * A picture of an event, which fills itself. `caption`: text or elements below it. `about`: what the picture shows,
 * for those who do not see it.
 */
export function thumbnail(app, event_id, { caption = null, about = "" } = {}) {
  const place = h("div", { class: "thumbnail-picture" });
  const figure = h("figure", { class: "thumbnail", "data-event": event_id }, place);
  if (caption !== null) figure.append(h("figcaption", {}, caption));
  const alternative = about || `Spectrogram and trace of ${event_id}`;
  pictureOf(app, event_id).then((found) => {
    if (found.error) fill(place, h("p", { class: "trouble" }, found.error));
    else fill(place, h("img", { src: found.picture, alt: alternative, draggable: "false" }));
  });
  return figure;
}

/** `{picture}`, the address of an image, or `{error}`, a sentence. */
function pictureOf(app, event_id) {
  const key = `${app.network.version} ${event_id}`;
  const found = kept.get(key);
  if (found) return Promise.resolve(found);
  return new Promise((resolve) => {
    if (!waiting.size) setTimeout(() => ask(app), 0);
    waiting.set(event_id, [...(waiting.get(event_id) ?? []), resolve]);
  });
}

function ask(app) {
  const asked = waiting;
  waiting = new Map();
  const names = [...asked.keys()];
  for (let start = 0; start < names.length; start += AT_ONCE) answer(app, asked, names.slice(start, start + AT_ONCE));
}

async function answer(app, asked, names) {
  let found = {};
  let error = "The server did not send this picture.";
  try {
    found = await get("thumbnails", { events: names.join(",") });
  } catch (failure) {
    error = failure.message;
  }
  for (const name of names) {
    const one = found[name] ?? { error };
    if (one.picture) keep(`${app.network.version} ${name}`, one);
    for (const resolve of asked.get(name)) resolve(one);
  }
}

function keep(key, found) {
  kept.set(key, found);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}
