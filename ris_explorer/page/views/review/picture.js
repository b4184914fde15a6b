// The event that is reviewed, large: spectrogram and waveform, without any word of its label.

import { array, get } from "../../api/api.js";
import { spectrogramCanvas } from "../event/spectrogram.js";
import { tracePlot } from "../event/waveform.js";
import { failed, fill, h } from "../parts/elements.js";
import { onTheme } from "../parts/theme.js";

const KEPT = 8;
const kept = new Map();

/** What is drawn of an event; asked for once, also beforehand. */
export function ahead(event_id) {
  if (!kept.has(event_id)) {
    const path = `events/${encodeURIComponent(event_id)}`;
    const asked = Promise.all([get(`${path}/signal`), array(`${path}/spectrogram`)]);
    asked.catch(() => kept.delete(event_id)); // asked for again when it is shown
    kept.set(event_id, asked);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(event_id);
}

/** A place for the picture of one event after another: `{element, show(event_id), clear()}`. */
export function eventPicture() {
  const spectrogram = spectrogramCanvas();
  const trace = tracePlot("Waveform of the event; the window of the spectrogram is grey, the peak is a line");
  const component = h("select", { "aria-label": "Component", onchange: () => drawComponent() });
  const choice = h("label", {}, "Component ", component);
  const words = h("p", { class: "event-words" });
  const element = h("div", {});
  const pictures = [choice, spectrogram.canvas, spectrogram.words, trace.element, words];
  let now = null;

  async function show(event_id) {
    now = { event_id };
    try {
      const [signal, { values, shape }] = await ahead(event_id);
      if (now?.event_id !== event_id) return;
      Object.assign(now, { signal, values, shape });
    } catch (error) {
      if (now?.event_id === event_id) failed(element, error);
      return;
    }
    const { components, channel } = now.signal;
    fill(component, components.map(({ letter, recorded }) => h("option", { value: letter }, `${letter}${recorded ? "" : " (not recorded)"}`)));
    component.value = components.find(({ letter }) => channel.endsWith(letter))?.letter ?? components[0].letter;
    choice.hidden = components.length < 2;
    fill(element, pictures);
    await drawComponent();
  }

  async function drawComponent() {
    const { event_id, signal, values, shape } = now;
    spectrogram.draw(signal, values, shape, signal.components.findIndex(({ letter }) => letter === component.value));
    try {
      const found = await array(`events/${encodeURIComponent(event_id)}/waveform`, { component: component.value });
      if (now?.event_id !== event_id) return;
      const rate = Number(found.headers.get("X-Rate"));
      const [first, last] = found.headers.get("X-Window").split(",").map(Number);
      const seconds = Float64Array.from(found.values, (_, place) => place / rate - first);
      const peak = Number(found.headers.get("X-Peak")) - first;
      trace.draw({ seconds, series: [{ label: component.value, values: found.values }], window: [0, last - first], peak, unit: `amplitude (${signal.unit})` });
      words.className = "event-words";
      words.textContent = `Conditioned trace, ${rate} Hz. The window is grey, the line is the peak. Drag to zoom, double-click to see all.`;
    } catch (error) {
      if (now?.event_id === event_id) failed(words, error);
    }
  }

  onTheme(() => { spectrogram.again(); trace.again(); });
  new ResizeObserver(() => spectrogram.again()).observe(element);
  return { element, show, clear: () => { now = null; fill(element); } };
}
