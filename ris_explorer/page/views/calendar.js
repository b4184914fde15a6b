// Hours of the day, months of the year and phases of the tide as roses; a click on a part filters by it.

import { get } from "../api/api.js";
import { state } from "../state/state.js";
import { classColour, classMarker, classTitle } from "./parts/colours.js";
import { fill, h } from "./parts/elements.js";
import { events } from "./parts/formats.js";
import { keptAnswer } from "./parts/kept_answer.js";
import { rose, roseTable } from "./parts/rose.js";
import { onTheme } from "./parts/theme.js";
import { spanText } from "./parts/timeline_words.js";

/** Build the view in `root`. */
export function mountCalendar(root, app) {
  const it = { app, answer: null };
  it.controls = h("div", { class: "calendar-controls" });
  it.roses = h("div", { class: "calendar-roses" });
  it.notes = h("p", { class: "calendar-notes" });
  it.table = h("details", { class: "calendar-table", ontoggle: () => fillTable(it) }, h("summary", {}, "As tables"), h("div"));
  it.trouble = h("div");
  root.append(it.trouble, it.controls, it.roses, it.notes, it.table);
  const load = async (signal) => {
    const asked = state.filter();
    if (state.get("clock") === "solar") asked.set("clock", "solar");
    if (state.get("tide")) asked.set("tide", state.get("tide"));
    return { answer: await get("calendar", asked, signal) };
  };
  const keep = keptAnswer(root, it.trouble, load, (found) => show(Object.assign(it, found)));
  state.on(["filter", "clock", "tide"], keep.soon);
  state.on(["measure"], () => it.answer && show(it));
  app.onRenewed(keep.now);
  onTheme(() => it.answer && show(it));
}

const measure = (it) => (state.get("measure") === "rates" && it.answer.live.known ? "rates" : "counts");

function choice(name, label, options, disabled = false) {
  const made = h("select", { "aria-label": label, disabled, onchange: () => state.set({ [name]: made.value }, { replace: true }) },
    options.map(([value, text]) => h("option", { value, selected: state.get(name) === value }, text)));
  return made;
}

/** First and last of a range of the filter like 22-4; null if there is none. */
function range(name) {
  const found = /^(\d+)-(\d+)$/.exec(state.get(name));
  return found ? [Number(found[1]), Number(found[2])] : null;
}

function isIn(ends, value) {
  if (!ends) return false;
  return ends[0] <= ends[1] ? value >= ends[0] && value <= ends[1] : value >= ends[0] || value <= ends[1];
}

/** Filter by a part of a cycle; with Shift the range goes on to it, and the only part again takes the filter away. */
function chooser(name, first) {
  return (part, event) => {
    const value = part + first;
    const ends = range(name);
    if (ends && event.shiftKey) state.set({ [name]: `${ends[0]}-${value}` });
    else if (ends && ends[0] === value && ends[1] === value) state.set({ [name]: null });
    else state.set({ [name]: `${value}-${value}` });
  };
}

/** The roses of an answer: [title, cycle, how it is drawn]. */
function cycles({ answer }) {
  const solar = state.get("clock") === "solar";
  const hours = [0, 3, 6, 9, 12, 15, 18, 21].map((hour) => [hour, String(hour).padStart(2, "0"), false]);
  const found = [
    [solar ? "Hour of the day, mean solar time" : "Hour of the day, UTC", answer.clock,
      { labels: hours, chosen: (part) => !solar && isIn(range("hours"), part), choose: solar ? null : chooser("hours", 0) }],
    ["Month, UTC", answer.season,
      { labels: answer.season.names.map((name, part) => [part, name, true]), chosen: (part) => isIn(range("months"), part + 1), choose: chooser("months", 1) }],
  ];
  if (answer.tide) {
    const phases = [0, 3, 6, 9].map((part) => [part, `${part * 30}°`, false]);
    found.push([`Phase of the tide ${state.get("tide")}`, answer.tide, { labels: phases }]);
  }
  return found;
}

function show(it) {
  const { answer, app } = it;
  const focus = focusOf(it);
  fill(it.controls,
    choice("measure", "What is shown", [["", "Counts"], ["rates", "Rates per live hour"]], !answer.live.known),
    choice("clock", "Clock", [["", "Hours UTC"], ["solar", "Mean solar hours"]]),
    answer.tides.length ? choice("tide", "Tide", [["", "No tide"], ...answer.tides.map((name) => [name, `Tide ${name}`])]) : null);
  it.table.hidden = !answer.span;
  if (!answer.span) {
    fill(it.roses, h("p", { class: "absent" }, "There are no events and no live time in the time of the filter."));
    fill(it.notes);
    return;
  }
  const drawn = { measure: measure(it), level: answer.level };
  fill(it.roses,
    cycles(it).map(([title, cycle, options]) => cycle.names.length
      ? rose(app, cycle, { title, ...drawn, ...options })
      : h("p", { class: "absent" }, `${title}: the longitude of no station is known.`)),
    legend(it));
  fill(it.notes, notes(it).map((text) => `${text} `));
  fillTable(it);
  focus();
}

/** Answers what gives the focus back to a part or control that is drawn again. */
function focusOf({ roses, controls }) {
  const found = document.activeElement;
  if (controls.contains(found)) {
    const label = found.getAttribute("aria-label");
    return () => [...controls.children].find((each) => each.getAttribute("aria-label") === label)?.focus();
  }
  if (!roses.contains(found)) return () => {};
  const index = [...roses.querySelectorAll(".rose-part")].indexOf(found);
  return () => roses.querySelectorAll(".rose-part")[index]?.focus();
}

function legend({ answer, app }) {
  const shown = answer.season.classes.filter((_, row) => answer.season.counts[row].some((n) => n > 0));
  return h("ul", { class: "calendar-legend", "aria-label": "Classes" }, shown.map((cls) =>
    h("li", {}, h("span", { "aria-hidden": "true", style: { color: classColour(app, cls) } }, `${classMarker(cls)} `), classTitle(app, cls))));
}

function notes(it) {
  const { answer } = it;
  const said = [`${spanText(...answer.span)}. Areas grow with the ${measure(it) === "rates" ? "rate" : "number"}.`];
  if (measure(it) === "rates") {
    said.push("Rates are events per live hour of a station in the same hours or months; hatched parts have no live time.");
    if (answer.season.outside_live) said.push(`${events(answer.season.outside_live)} did not begin in live time and are in no rate.`);
  } else said.push("Counts follow the time in which stations were live; rates do not.");
  if (!answer.live.known) said.push(`${answer.live.reading ? "" : "Counts only: "}${answer.live.words}.`);
  if (state.get("clock") === "solar") said.push("The filter knows hours UTC, so parts of the solar clock cannot be chosen.");
  else said.push("A part filters by it, with Shift the range goes on to it. The rose of hours shows also what the filter of hours leaves out, that of months likewise.");
  if (answer.tide) said.push("Phases are those of the constituent's mean speed since 1970-01-01 UTC.");
  if (answer.no_tide) said.push(`${answer.no_tide}.`);
  return [...said, ...answer.notes.map((note) => `${note}.`)];
}

function fillTable(it) {
  if (!it.table.open || !it.answer?.span) return;
  fill(it.table.lastChild, cycles(it).filter(([, cycle]) => cycle.names.length).map(([title, cycle]) => roseTable(it.app, cycle, title, measure(it))));
}
