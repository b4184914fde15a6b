// The page Events: filter, map, timeline, tabs with gallery, hours and stations, and the open event, each in its place.

import { state } from "../state/state.js";
import { mountCalendar } from "./calendar.js";
import { mountEvent } from "./event.js";
import { mountEventMap } from "./event_map.js";
import { mountFilterBar } from "./filter_bar.js";
import { mountGallery } from "./gallery.js";
import { h } from "./parts/elements.js";
import { mountTabs } from "./parts/tabs.js";
import { mountStations } from "./stations.js";
import { mountTimeline } from "./timeline.js";

const TABS = [
  ["gallery", "Gallery", mountGallery],
  ["calendar", "Hours and months", mountCalendar],
  ["stations", "Stations", mountStations],
];

/** Build the page in `root`. */
export function mountEvents(root, app) {
  const event = panel("event", "Event");
  const middle = h("div", { class: "middle" });
  const filter = panel("filter", "Filter");
  root.append(filter, middle, event);
  const showEvent = () => {
    event.hidden = !state.get("event");
    root.classList.toggle("with-event", !event.hidden);
  };
  state.on(["event"], showEvent);
  showEvent();
  mountFilterBar(filter.lastChild, app);
  for (const [name, title, mount] of [["map", "Map of events", mountEventMap], ["timeline", "Timeline", mountTimeline]]) {
    const made = panel(name, title);
    middle.append(made);
    mount(made.lastChild, app);
  }
  const more = h("section", { class: "panel panel-more", "aria-label": "The events that pass" });
  middle.append(more);
  mountTabs(more, app, "Views of the events that pass", "tab", TABS);
  mountEvent(event.lastChild, app);
}

function panel(name, title) {
  return h("section", { class: `panel panel-${name}`, "aria-label": title }, h("h2", {}, title), h("div", { class: "body" }));
}
