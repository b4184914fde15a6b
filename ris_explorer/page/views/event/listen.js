// Hear the event: its samples played faster, so that their band is audible.

import { address } from "../../api/api.js";
import { fill, h } from "../parts/elements.js";

/** A player: `show(event_id, signal, component)`, `toggle()` plays or stops. */
export function listener() {
  const audio = h("audio", { controls: true, preload: "none", "aria-label": "Sound of the event" });
  const words = h("p", { class: "event-words" });
  const speed = h("select", { "aria-label": "How fast it is played", onchange: () => point() });
  const button = h("button", { type: "button", onclick: () => toggle() }, "Listen");
  const element = h("div", { class: "event-listen" }, h("div", { class: "event-row" }, button, speed, audio), words);
  let now = null;

  function point() {
    const path = `events/${encodeURIComponent(now.event_id)}/sound.wav`;
    audio.src = address(path, { speed: speed.value, ...(now.component ? { component: now.component } : {}) });
  }

  async function toggle() {
    if (!now) return;
    if (!audio.paused) {
      audio.pause();
      audio.currentTime = 0;
      return;
    }
    try {
      await audio.play();
    } catch (error) {
      if (error.name !== "AbortError") await explain();
    }
  }

  /** An audio element does not say why the server refused; asking again does. */
  async function explain() {
    const answer = await fetch(audio.src);
    words.textContent = answer.ok ? "This browser cannot play the sound; the file can be saved." : (await answer.json()).error;
  }

  audio.addEventListener("play", () => { button.textContent = "Stop"; });
  for (const name of ["pause", "ended"]) audio.addEventListener(name, () => { button.textContent = "Listen"; });

  function show(event_id, signal, component) {
    audio.pause();
    const kept = now ? speed.value : String(signal.speed);
    now = { event_id, component };
    fill(speed, signal.speeds.map((each) => h("option", { value: String(each.speed) }, each.words)));
    speed.value = signal.speeds.some((each) => String(each.speed) === kept) ? kept : String(signal.speed);
    words.textContent = `${signal.has_context ? "The context of the event" : "The window of the event"}, as loud for each event, with soft ends.`;
    point();
  }

  return { element, show, toggle, stop: () => audio.pause() };
}
