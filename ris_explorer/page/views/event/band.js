// The band of the filter that a reader chooses for the waveform.

import { h } from "../parts/elements.js";

/** Two fields and buttons: `values()` answers {low, high} of what is filled in, `changed` is called on a new band. */
export function bandControl(changed) {
  const field = (label) => h("input", { type: "number", min: "0", step: "any", "aria-label": label, placeholder: label.split(" ")[0].toLowerCase() });
  const low = field("Low corner of the filter, Hz");
  const high = field("High corner of the filter, Hz");
  const element = h("form", { class: "event-row event-band", onsubmit: (event) => { event.preventDefault(); changed(); } },
    "Filter", low, "to", high, "Hz", h("button", { type: "submit" }, "Apply"),
    h("button", { type: "button", onclick: () => { low.value = ""; high.value = ""; changed(); } }, "No filter"));
  const values = () => Object.fromEntries([["low", low.value], ["high", high.value]].filter(([, value]) => value !== ""));
  const within = (rate) => { for (const each of [low, high]) each.max = String(rate / 2); };
  return { element, values, within };
}
