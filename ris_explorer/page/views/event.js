// One event: seen, heard, and all that is known of it.

import { array, get, onlyLatest } from "../api/api.js";
import { state } from "../state/state.js";
import { classMark, fields, leads, memberships, reviews, sameSource } from "./event/facts.js";
import { likeIt } from "./event/like_it.js";
import { listener } from "./event/listen.js";
import { rawRecord } from "./event/raw_record.js";
import { spectrogramCanvas } from "./event/spectrogram.js";
import { bandControl } from "./event/band.js";
import { tracePlot } from "./event/waveform.js";
import { assignControl } from "./parts/assign.js";
import { failed, fill, h } from "./parts/elements.js";
import { count, time } from "./parts/formats.js";
import { onKey } from "./parts/keys.js";
import { onTheme } from "./parts/theme.js";

const PAGE = 60;
const pathOf = (event_id) => `events/${encodeURIComponent(event_id)}`;
const isOpen = () => state.get("view") === "events" && state.get("event") !== "";

/** Build the view in `root`. */
export function mountEvent(root, app) {
  const head = h("div", { class: "event-head" });
  const order = h("div", { class: "event-order" });
  const seen = h("div", { class: "event-seen" });
  const known = h("div", {});
  const leading = h("div", {});
  const spectrogram = spectrogramCanvas();
  const trace = tracePlot("Waveform of the event; the window of the spectrogram is grey, the peak is a line");
  const filterWords = h("p", { class: "event-words" });
  const sound = listener();
  const near = likeIt(app);
  const raw = rawRecord();
  const band = bandControl(() => drawWaveform());
  const component = h("select", { "aria-label": "Component", onchange: () => drawComponent() });
  const pictures = [h("label", { class: "event-row event-component", hidden: true }, "Component ", component), spectrogram.canvas, spectrogram.words,
    trace.element, band.element, filterWords, sound.element];
  const assign = h("section", { class: "event-part" }, h("h3", {}, "Decide"), assignControl(app, () => ({ event_ids: [state.get("event")] })));
  const latest = onlyLatest();
  const latestWave = onlyLatest();
  let now = null; // {event_id, about, signal, values, shape}
  root.append(order, head, seen, assign, near.element, known, raw.element, leading);

  async function show() {
    const event_id = state.get("event");
    sound.stop();
    if (!event_id) return;
    now = null;
    for (const each of [seen, known, leading]) fill(each);
    fill(head, h("p", { class: "absent" }, "Reading the event."));
    near.show(event_id);
    raw.element.hidden = true;
    showOrder(event_id);
    try {
      const about = await latest((signal) => get(pathOf(event_id), {}, signal));
      if (!about) return;
      now = { event_id, about, signal: null };
      for (const each of [assign, near.element]) each.hidden = false;
      showAbout();
    } catch (error) {
      for (const each of [assign, near.element]) each.hidden = true;
      failed(head, error);
      return;
    }
    await showSignal(event_id);
  }

  function showAbout() {
    const { about } = now;
    fill(head, h("p", { class: "event-name" }, about.event_id), h("p", {}, `${about.station}, ${time(about.time, { fraction: true })}, `, classMark(app, about.class)));
    const kind = about.fields.error ? "" : about.fields.find(({ name }) => name === "probability_kind")?.value;
    fill(known, memberships(app, about.memberships, kind), sameSource(app, about.same_source, sourceOf(about)), reviews(about.event_id),
      fields("All fields of the catalogue", about.fields), fields("Attributes", about.attributes));
    fill(leading, leads(about.event_id, null, "", about.links));
  }

  async function showSignal(event_id) {
    fill(seen, h("p", { class: "absent" }, "Reading the spectrogram."));
    try {
      const [signal, { values, shape }] = await Promise.all([get(`${pathOf(event_id)}/signal`), array(`${pathOf(event_id)}/spectrogram`)]);
      if (now?.event_id !== event_id) return;
      Object.assign(now, { signal, values, shape });
    } catch (error) {
      if (now?.event_id === event_id) failed(seen, error);
      return;
    }
    fill(seen, pictures);
    const { components, channel } = now.signal;
    fill(component, components.map(({ letter, recorded }) => h("option", { value: letter }, `${letter}${recorded ? "" : " (not recorded)"}`)));
    component.value = components.find(({ letter }) => channel.endsWith(letter))?.letter ?? components[0].letter;
    component.parentElement.hidden = components.length < 2;
    band.within(now.signal.sampling_rate);
    await drawComponent();
  }

  async function drawComponent() {
    const { signal, values, shape, event_id, about } = now;
    const place = signal.components.findIndex(({ letter }) => letter === component.value);
    spectrogram.draw(signal, values, shape, place);
    sound.show(event_id, signal, component.value);
    fill(leading, leads(event_id, signal, component.value, about.links));
    await drawWaveform();
  }

  async function drawWaveform() {
    if (!now?.signal) return;
    const { event_id, signal } = now;
    try {
      const found = await latestWave((abort) => array(`${pathOf(event_id)}/waveform`, { component: component.value, ...band.values() }, abort));
      if (!found || now?.event_id !== event_id) return;
      const rate = Number(found.headers.get("X-Rate"));
      const [first, last] = found.headers.get("X-Window").split(",").map(Number);
      const seconds = Float64Array.from(found.values, (_, place) => place / rate - first);
      const peak = Number(found.headers.get("X-Peak")) - first;
      trace.draw({ seconds, series: [{ label: component.value, values: found.values }], window: [0, last - first], peak, unit: `amplitude (${signal.unit})` });
      const filtered = found.headers.get("X-Filtered");
      const around = found.headers.get("X-Context") === "yes" ? "context of the event" : "window of the event; no context was kept";
      filterWords.className = "event-words";
      filterWords.textContent = `Conditioned trace, ${around}, ${rate} Hz. The window is grey, the line is the peak. ` +
        `${filtered ? `Filtered: ${filtered}.` : "Not filtered."} Drag to zoom, double-click to see all.`;
      raw.element.hidden = false;
      raw.show(event_id, signal, [0, last - first], peak);
    } catch (error) {
      failed(filterWords, error);
      filterWords.className = "trouble";
    }
  }

  async function showOrder(event_id) {
    const query = state.filter();
    query.set("sort", state.get("sort"));
    query.set("of", event_id);
    const go = (label, text, to, place) => h("button", { type: "button", "aria-label": label, disabled: !to, "data-to": to ?? "",
      onclick: () => state.set({ event: to, page: Math.floor(place / PAGE) + 1 }) }, text);
    const close = h("button", { type: "button", "aria-label": "Close the event", onclick: () => state.set({ event: null }) }, "Close");
    try {
      const { place, total, before, after } = await get("gallery/beside", query);
      if (state.get("event") !== event_id) return;
      fill(order, go("Event before, in the order of the gallery", "‹ Before", before, place - 1), go("Event after, in the order of the gallery", "After ›", after, place + 1),
        h("span", { class: "event-place" }, place === null ? "does not pass the filter" : `${count(place + 1)} of ${count(total)}`), close);
    } catch {
      fill(order, close); // what is wrong with the event or the filter is said elsewhere
    }
  }

  const step = (which) => order.querySelectorAll("button[data-to]")[which]?.click();
  onKey("j", "Event after, in the order of the gallery", () => step(1), isOpen);
  onKey("k", "Event before, in the order of the gallery", () => step(0), isOpen);
  onKey("p", "Play or stop the sound of the open event", () => sound.toggle(), isOpen);
  onKey("m", "More like the open event", () => near.ask(), isOpen);
  onTheme(() => { spectrogram.again(); trace.again(); if (now) showAbout(); });
  new ResizeObserver(() => spectrogram.again()).observe(seen);
  state.on(["event"], show);
  state.on(["filter", "sort"], () => isOpen() && showOrder(state.get("event")));
  app.onRenewed(() => isOpen() && show());
  show();
}

/** Identifier of the source, for the filter. */
function sourceOf(about) {
  return about.fields.error ? about.event_id : about.fields.find(({ name }) => name === "source_id")?.value;
}
