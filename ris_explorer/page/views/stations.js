// Stations: a map with the shares of the classes, and a table; a click on a station filters by it.

import { get } from "../api/api.js";
import { state } from "../state/state.js";
import { classColour, classMarker, classTitle } from "./parts/colours.js";
import { fill, h } from "./parts/elements.js";
import { count, events, number } from "./parts/formats.js";
import { keptAnswer } from "./parts/kept_answer.js";
import { stationMap } from "./parts/station_map.js";
import { onTheme } from "./parts/theme.js";

/** Build the view in `root`. */
export function mountStations(root, app) {
  const it = { app, answer: null, sort: "station", down: false };
  it.map = h("div", { class: "stations-map" });
  it.table = h("div", { class: "stations-table", tabindex: "0", role: "region", "aria-label": "Table of the stations" });
  it.notes = h("p", { class: "stations-notes" });
  it.trouble = h("div");
  root.append(it.trouble, h("div", { class: "stations-both" }, it.map, it.table), it.notes);
  const load = async (signal) => ({ answer: await get("stations", state.filter(), signal) });
  const keep = keptAnswer(root, it.trouble, load, (found) => show(Object.assign(it, found)));
  state.on(["filter"], keep.soon);
  app.onRenewed(keep.now);
  onTheme(() => it.answer && show(it));
}

const chosen = () => state.get("station").split(",").filter(Boolean);

/** Filter by a station; with Ctrl or Shift beside others, and the only one again takes the filter away. */
function choose(code, event) {
  const before = chosen();
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
    state.set({ station: before.length === 1 && before[0] === code ? null : code });
    return;
  }
  state.set({ station: (before.includes(code) ? before.filter((each) => each !== code) : [...before, code]).join(",") });
}

function show(it) {
  const { answer, app } = it;
  const focused = document.activeElement?.dataset?.focus;
  const shown = answer.classes.map((cls, row) => ({ cls, row })).filter(({ row }) => answer.stations.some(({ counts }) => counts[row]));
  if (answer.map) fill(it.map, stationMap(app, answer, new Set(chosen()), choose));
  else fill(it.map, h("p", { class: "absent" }, "There is no map: the position of no station is known. Give latitude and longitude in the settings, or acquire StationXML."));
  const columns = columnsOf(answer, app, shown);
  const by = columns.find(({ name }) => name === it.sort) ?? columns[0];
  const rows = [...answer.stations].sort((a, b) => compare(by.value(a), by.value(b), it.down));
  const head = columns.map(({ name, title, label }) => h("th", { scope: "col", "aria-sort": name === by.name ? (it.down ? "descending" : "ascending") : null },
    h("button", { type: "button", "data-focus": `sort-${name}`, title: label ?? title, "aria-label": `Sort by ${label ?? title}`, onclick: () => {
      it.down = it.sort === name ? !it.down : name !== "station";
      it.sort = name;
      show(it);
    } }, title, name === by.name ? (it.down ? " ▼" : " ▲") : "")));
  fill(it.table, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.map((row) => h("tr", {},
    h("th", { scope: "row" }, h("button", { type: "button", "data-focus": `station-${row.station}`, "aria-pressed": String(chosen().includes(row.station)),
      onclick: (event) => choose(row.station, event) }, row.station)),
    columns.slice(1).map(({ text }) => h("td", {}, text(row))))))));
  fill(it.notes, notes(answer).map((text) => `${text} `));
  if (focused) [...it.table.querySelectorAll("[data-focus]"), ...it.map.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === focused)?.focus();
}

/** Rows without a value come last, in either order. */
function compare(a, b, down) {
  const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
  if (noA || noB) return noA - noB;
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return down ? -order : order;
}

function columnsOf(answer, app, shown) {
  const total = (row) => row.events;
  const share = (row, place) => (row.events ? row.counts[place] / row.events : null);
  const found = [
    { name: "station", title: "Station", value: (row) => row.station },
    { name: "events", title: "events", value: total, text: (row) => count(row.events) },
  ];
  if (answer.live.known) {
    found.push(
      { name: "rate", title: "per live hour", value: (row) => row.rate,
        text: (row) => (row.rate === null ? "no live time" : `${number(row.rate)} (${number(row.low)} to ${number(row.high)})`) },
      { name: "live", title: "live hours", value: (row) => row.live_hours, text: (row) => number(row.live_hours) });
  }
  found.push({ name: "amplitude", title: `amplitude (${answer.amplitude_unit})`, label: `median amplitude, ${answer.amplitude_unit}`, value: (row) => row.amplitude,
    text: (row) => (row.amplitude === null ? "not known" : `${number(row.amplitude)}${row.amplitudes < row.events ? ` (of ${count(row.amplitudes)})` : ""}`) });
  for (const { cls, row: place } of shown) {
    found.push({
      name: `class${cls}`, label: `share of ${classTitle(app, cls)}`,
      title: h("span", {}, h("span", { "aria-hidden": "true", style: { color: classColour(app, cls) } }, classMarker(cls)), ` ${classTitle(app, cls)}`),
      value: (row) => share(row, place), text: (row) => (row.events ? `${Math.round(100 * share(row, place))} %` : ""),
    });
  }
  return found;
}

function notes(answer) {
  const { live, level } = answer;
  const all = answer.stations.reduce((sum, row) => sum + row.events, 0);
  const said = [all ? "" : "No event passes the filter at any station.", "All stations are shown, also those that the filter leaves out."];
  if (live.known) {
    said.push(`Rates are events per live hour, in brackets ${Math.round(100 * level)} % Poisson intervals.`);
    if (answer.outside_live) said.push(`${events(answer.outside_live)} did not begin in live time and are in no rate.`);
  } else said.push(`${live.reading ? "" : "Counts only: "}${live.words}.`);
  said.push(`Amplitude: median of the absolute peaks, ${answer.amplitude_unit}.`);
  if (answer.without_position.length) said.push(`Not on the map, since their position is not known: ${answer.without_position.join(", ")}.`);
  if (answer.map_trouble) said.push(answer.map_trouble);
  return said.filter(Boolean);
}
