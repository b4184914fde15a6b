// The page Events: filter, map, timeline, gallery and the open event, each in its place.

import { mountCalendar } from "./calendar.js";
import { mountEvent } from "./event.js";
import { mountEventMap } from "./event_map.js";
import { mountFilterBar } from "./filter_bar.js";
import { mountGallery } from "./gallery.js";
import { h } from "./parts/elements.js";
import { mountStations } from "./stations.js";
import { mountTimeline } from "./timeline.js";

const PANELS = [
  ["filter", "Filter", mountFilterBar],
  ["map", "Map of events", mountEventMap],
  ["timeline", "Timeline", mountTimeline],
  ["calendar", "Hours and months", mountCalendar],
  ["stations", "Stations", mountStations],
  ["gallery", "Gallery", mountGallery],
  ["event", "Event", mountEvent],
];

/** Build the page in `root`. */
export function mountEvents(root, app) {
  for (const [name, title, mount] of PANELS) {
    const body = h("div", { class: "body" });
    root.append(h("section", { class: `panel panel-${name}`, "aria-label": title }, h("h2", {}, title), body));
    mount(body, app);
  }
}
