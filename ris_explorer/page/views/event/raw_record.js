// The raw record around the event, when it is asked for: reading a day file takes its time, and fetching stores it.

import { post } from "../../api/api.js";
import { seen } from "../parts/colours.js";
import { failed, fill, h } from "../parts/elements.js";
import { tracePlot } from "./waveform.js";

const COLOURS = ["#0072B2", "#D55E00", "#009E73"];

/** The part "Raw record": `show(event_id, signal, window, peak)`. */
export function rawRecord() {
  const body = h("div", {});
  const element = h("section", { class: "event-part" }, h("h3", {}, "Raw record"), body);
  let now = "";

  function show(event_id, signal, window, peak) {
    now = event_id;
    if (!signal.raw.possible) return void fill(body, h("p", { class: "absent" }, signal.raw.words));
    const button = h("button", { type: "button", onclick: () => read(event_id, window, peak, button) },
      signal.raw.at_hand ? "Read the raw record" : "Fetch the raw record");
    return void fill(body, button, h("p", { class: "event-words" }, signal.raw.words));
  }

  async function read(event_id, window, peak, button) {
    button.disabled = true;
    button.textContent = "Reading the raw record";
    try {
      const found = await post(`events/${encodeURIComponent(event_id)}/raw`, {});
      if (event_id !== now) return;
      const channels = [...new Set(found.traces.map((trace) => trace.channel))];
      fill(body, ...channels.map((channel, place) => plotOf(found, channel, window, peak, seen(COLOURS[place % COLOURS.length]))));
    } catch (error) {
      if (event_id === now) failed(body, error);
    }
  }

  return { element, show };
}

function plotOf(found, channel, window, peak, colour) {
  const traces = found.traces.filter((trace) => trace.channel === channel);
  const rate = traces[0].sampling_rate;
  const seconds = [];
  const values = [];
  for (const trace of traces) {
    if (seconds.length) {
      seconds.push(trace.start - 0.5 / rate); // a gap is not bridged
      values.push(null);
    }
    for (const [place, value] of trace.samples.entries()) {
      seconds.push(trace.start + place / trace.sampling_rate);
      values.push(value);
    }
  }
  const trace = tracePlot(`Raw record of ${channel}, ${seconds.length} samples at ${rate} Hz, counts; the window is grey`);
  const box = h("div", {}, h("p", { class: "event-words" }, `${channel}, ${rate} Hz, counts${traces.length > 1 ? `, ${traces.length} pieces` : ""}`), trace.element);
  requestAnimationFrame(() => trace.draw({ seconds, series: [{ label: channel, values, colour }], window, peak, unit: "counts" }));
  return box;
}
