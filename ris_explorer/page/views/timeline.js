// Events over time: counts or rates by class, zoom from years to minutes, live time beneath, a series over it.

import { get } from "../api/api.js";
import { state } from "../state/state.js";
import { classColour, classMarker, classTitle } from "./parts/colours.js";
import { fill, h, say } from "./parts/elements.js";
import { count, events, number } from "./parts/formats.js";
import { keptAnswer } from "./parts/kept_answer.js";
import { onTheme } from "./parts/theme.js";
import { drawChart, drawnClasses, showBrush } from "./parts/timeline_chart.js";
import { availabilityStrip } from "./parts/timeline_strip.js";
import { binTable, notes, spanText } from "./parts/timeline_words.js";
import * as time from "./parts/timeline_time.js";

const KEYS = "Arrow keys go from bin to bin, with Shift they choose several, Enter filters by them. Plus and minus zoom, " +
  "Page up and Page down show earlier and later times, Escape takes the time away again.";

/** Build the view in `root`. */
export function mountTimeline(root, app) {
  const it = { app, answer: null, series: null, chart: null, mark: null, anchor: null };
  it.controls = h("div", { class: "timeline-controls" });
  it.legend = h("div", { class: "timeline-legend", role: "group", "aria-label": "Classes that are shown" });
  it.plot = h("div", { class: "timeline-plot", tabindex: "0", role: "application", "aria-label": `Timeline. ${KEYS}` });
  it.strip = availabilityStrip();
  it.readout = h("p", { class: "timeline-readout" });
  it.notes = h("p", { class: "timeline-notes" });
  it.table = h("details", { class: "timeline-table", ontoggle: () => fillTable(it) }, h("summary", {}, "As a table"), h("div"));
  it.trouble = h("div");
  root.append(it.controls, it.trouble, it.plot, it.strip.root, it.readout, it.legend, it.notes, it.table);
  const keep = keptAnswer(root, it.trouble, (signal) => load(it, signal), (found) => show(Object.assign(it, found)));
  state.on(["filter", "begin", "end", "bin", "series"], (changed) => {
    const own = [...changed].every((name) => ["from", "to", "page", "event"].includes(name));
    if (own) { if (it.chart) showBrush(it.chart, time.brush(it.answer.extent)); }
    else keep.soon();
  });
  state.on(["measure", "drawn", "hide", "intervals"], () => it.answer && show(it));
  app.onRenewed(keep.now);
  onTheme(() => it.answer && show(it));
  new ResizeObserver(() => it.chart && it.plot.clientWidth !== it.chart.width && show(it)).observe(it.plot);
  listen(it);
}

async function load(it, signal) {
  const asked = state.filter({ from: null, to: null });
  for (const name of ["begin", "end", "bin"]) if (state.get(name)) asked.set(name, state.get(name));
  const answer = await get("timeline", asked, signal);
  const name = state.get("series");
  if (!name || !answer.extent) return { answer, series: null };
  const { edges, bin } = answer;
  const within = { begin: time.written(edges[0]), end: time.written(edges.at(-1)), bin: bin.name };
  try {
    return { answer, series: await get(`timeline/series/${encodeURIComponent(name)}`, within, signal) };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { answer, series: { trouble: error.message, absent: error.absent } };
  }
}

const measure = (it) => (state.get("measure") === "rates" && it.answer.live.known ? "rates" : "counts");
const hidden = () => new Set(state.get("hide").split(",").filter(Boolean).map(Number));

function show(it) {
  const { answer, app } = it;
  it.chart?.destroy();
  it.chart = null;
  const empty = !answer.extent;
  for (const part of [it.plot, it.strip.root, it.legend, it.table, it.readout]) part.hidden = empty;
  if (empty) {
    fill(it.trouble, h("p", { class: "absent" }, "The catalogue has no events and no live time yet."));
    return;
  }
  const rates = measure(it) === "rates";
  const stacked = state.get("drawn") === "stack";
  const intervals = rates && !stacked && answer.level !== null && state.get("intervals") !== "no";
  const absent = (answer.live_hours ?? []).flatMap((hours, bin) => (hours === 0 ? [bin] : []));
  it.mark = it.mark && it.mark[1] < answer.edges.length - 1 ? it.mark : null;
  const series = it.series && !it.series.trouble ? it.series : null;
  const label = rates ? "events per live hour" : `events per ${answer.bin.name}`;
  const shown = {
    answer, classes: drawnClasses(answer, hidden(), measure(it), stacked), label, intervals, series, absent,
    width: Math.max(300, it.plot.clientWidth),
  };
  it.chart = drawChart(it.plot, app, shown, {
    ready: (u) => {
      it.strip.draw(answer, u.over.offsetLeft, u.over.clientWidth);
      showBrush(u, time.brush(answer.extent));
    },
    brushed: (begin, end) => time.setBrush(answer.edges, begin, end),
    pointed: (seconds) => readOut(it, seconds === null ? null : time.binAt(answer.edges, seconds)),
    reset: time.reset,
    mark: () => it.mark,
  });
  showControls(it);
  showLegend(it);
  fill(it.notes, notes(it, measure(it), intervals));
  readOut(it, null);
  fillTable(it);
}

function choice(name, label, options, disabled = false) {
  const made = h("select", { "aria-label": label, disabled, onchange: () => state.set({ [name]: made.value }, { replace: true }) },
    options.map(([value, text]) => h("option", { value, selected: state.get(name) === value }, text)));
  return made;
}

function showControls(it) {
  const { answer } = it;
  const focused = it.controls.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  const button = (text, label, action) => h("button", { type: "button", "aria-label": label, title: label, onclick: action }, text);
  const { extent } = answer;
  fill(
    it.controls,
    choice("measure", "What is shown", [["", "Counts"], ["rates", "Rates per live hour"]], !answer.live.known),
    choice("drawn", "How classes are drawn", [["", "Lines"], ["stack", "Stacked"]]),
    choice("bin", "Length of the bins", [["", `Bins: ${answer.bin.name}`], ...answer.bin.possible.map((name) => [name, name])]),
    answer.series_known.length
      ? choice("series", "Environmental series", [["", "No series"], ...answer.series_known.map(({ name, kind }) => [name, name === kind ? name : `${name} (${kind})`])])
      : h("span", { class: "absent" }, "no environmental series in the settings"),
    h("span", { class: "timeline-zoom" },
      button("◀", "Earlier", () => time.pan(extent, -0.5)), button("−", "Zoom out", () => time.zoom(extent, 2)),
      button("+", "Zoom in", () => time.zoom(extent, 0.5)), button("▶", "Later", () => time.pan(extent, 0.5)),
      button("All", "Show all times", () => state.set({ begin: null, end: null }, { replace: true })),
      button("To brush", "Zoom to the chosen time", () => { const chosen = time.brush(extent); if (chosen) time.setView(extent, ...chosen); }),
      button("Clear time", "Take the chosen time away", () => state.set({ from: null, to: null }))),
  );
  if (focused) [...it.controls.querySelectorAll("[aria-label]")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
}

function showLegend(it) {
  const off = hidden();
  const toggle = (cls) => {
    if (off.has(cls)) off.delete(cls);
    else off.add(cls);
    state.set({ hide: [...off].sort((a, b) => a - b).join(",") }, { replace: true });
  };
  const focused = it.legend.contains(document.activeElement) ? document.activeElement.value : null;
  fill(it.legend, it.answer.classes.flatMap(({ number: cls, counts }) => {
    const all = counts.reduce((sum, n) => sum + n, 0);
    if (!all) return [];
    return [h("label", {},
      h("input", { type: "checkbox", value: cls, checked: !off.has(cls), onchange: () => toggle(cls) }),
      h("span", { "aria-hidden": "true", style: { color: classColour(it.app, cls) } }, ` ${classMarker(cls)} `),
      `${classTitle(it.app, cls)} (${count(all)})`)];
  }));
  if (focused !== null) it.legend.querySelector(`input[value="${focused}"]`)?.focus();
}

function readOut(it, bin) {
  const { answer } = it;
  if (bin === null || bin < 0) {
    fill(it.readout, "Drag to choose a time. Pinch or Ctrl and wheel zoom, two fingers sideways pan, a double click takes both away.");
    return;
  }
  fill(it.readout, binText(it, bin, bin));
}

/** What bins have, in words. */
function binText(it, first, last) {
  const { answer, app } = it;
  const off = hidden();
  const sum = (values) => values.slice(first, last + 1).reduce((total, value) => total + (value ?? 0), 0);
  const parts = answer.classes.filter((each) => !off.has(each.number) && sum(each.counts) > 0)
    .map((each) => `${classTitle(app, each.number)}: ${count(sum(each.counts))}${measure(it) === "rates" && first === last && each.rates[first] !== null ? ` (${number(each.rates[first])}/h)` : ""}`);
  const live = answer.live_hours ? (sum(answer.live_hours) ? `${number(sum(answer.live_hours))} live hours` : "no live time") : "live time not known";
  const all = answer.classes.reduce((total, each) => total + sum(each.counts), 0);
  const series = it.series && !it.series.trouble && first === last
    ? `${it.series.name}: ${it.series.mean[first] === null ? "no value" : `mean ${number(it.series.mean[first])} ${it.series.unit}`}` : null;
  return [spanText(answer.edges[first], answer.edges[last + 1]), events(all), live, ...parts, series].filter(Boolean).join(" · ");
}

function fillTable(it) {
  if (it.table.open && it.answer?.extent) fill(it.table.lastChild, binTable(it, measure(it)));
}

/** Wheel and keys of the chart. */
function listen(it) {
  it.plot.addEventListener("wheel", (event) => {
    if (!it.chart) return;
    const { extent } = it.answer;
    if (event.ctrlKey || event.metaKey) {
      const at = it.chart.posToVal(event.clientX - it.chart.over.getBoundingClientRect().left, "x");
      time.zoom(extent, event.deltaY > 0 ? 1.25 : 0.8, at);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      time.pan(extent, event.deltaX / 600);
    } else return;
    event.preventDefault();
  }, { passive: false });
  it.plot.addEventListener("keydown", (event) => {
    if (!it.chart || event.ctrlKey || event.metaKey || event.altKey) return;
    const { edges, extent } = it.answer;
    const last = edges.length - 2;
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const jump = { Home: 0, End: last }[event.key];
    if (move !== undefined || jump !== undefined) {
      const head = it.mark ? (it.mark[0] === it.anchor ? it.mark[1] : it.mark[0]) : null;
      const to = jump ?? (head === null ? (move > 0 ? 0 : last) : Math.min(last, Math.max(0, head + move)));
      if (!event.shiftKey || it.anchor === null) it.anchor = to;
      it.mark = [Math.min(it.anchor, to), Math.max(it.anchor, to)];
      it.chart.redraw(false);
      fill(it.readout, binText(it, ...it.mark));
      say(it.readout.textContent);
    } else if (event.key === "Enter" && it.mark) {
      time.setBrush(edges, edges[it.mark[0]], edges[it.mark[1] + 1]);
    } else if (event.key === "+" || event.key === "=") time.zoom(extent, 0.5, it.mark ? (edges[it.mark[0]] + edges[it.mark[1] + 1]) / 2 : null);
    else if (event.key === "-") time.zoom(extent, 2);
    else if (event.key === "PageUp") time.pan(extent, -0.5);
    else if (event.key === "PageDown") time.pan(extent, 0.5);
    else if (event.key !== "Escape" || !time.reset()) return;
    event.preventDefault();
    event.stopPropagation();
  });
}
