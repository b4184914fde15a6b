// The chart of the timeline: classes and an environmental series as steps over bins; nothing is drawn between bins.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { classColour } from "./colours.js";
import { number } from "./formats.js";

const HEIGHT = 210;
const DASHES = [[], [8, 3], [2, 3], [8, 3, 2, 3]];
const COLOURS = 8;
const DAY_S = 86400;

const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour of the page that is written light-dark(…), as the canvas needs it. */
function pageColour(name) {
  const probe = document.createElement("span");
  probe.style.color = cssColour(name);
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Times of an axis in UTC: dates, or hours with the date at midnight. */
function tickTexts(splits, step) {
  return splits.map((seconds, index) => {
    const text = new Date(seconds * 1000).toISOString();
    if (step >= 28 * DAY_S) return text.slice(0, 7);
    if (step >= DAY_S) return text.slice(index ? 5 : 0, 10);
    return seconds % DAY_S === 0 ? text.slice(5, 10) : text.slice(11, 16);
  });
}

/** Steps: a line over each bin, joined where neighbours have values; `base` gives the lower end of a filled bin. */
function steps(edges, values, scale, base) {
  return (u) => {
    const stroke = new Path2D();
    const fill = new Path2D();
    const x = edges.map((edge) => u.valToPos(edge, "x", true));
    let joined = false;
    for (let bin = 0; bin < values.length; bin += 1) {
      if (values[bin] === null) {
        joined = false;
        continue;
      }
      const y = u.valToPos(values[bin], scale, true);
      if (joined) stroke.lineTo(x[bin], y);
      else stroke.moveTo(x[bin], y);
      stroke.lineTo(x[bin + 1], y);
      joined = true;
      if (base) fill.rect(x[bin], y, x[bin + 1] - x[bin], u.valToPos(base[bin] ?? 0, scale, true) - y);
    }
    return { stroke, fill: base ? fill : null, clip: null, band: null, gaps: null, flags: 1 };
  };
}

/** One value more than there are bins, as uPlot wants one for each edge. */
const padded = (values) => [...values, null];

/** Counts, null where there is no event and no live time: none could have been found there. */
export const knownCounts = (counts, liveHours) =>
  liveHours ? counts.map((n, bin) => (n === 0 && liveHours[bin] === 0 ? null : n)) : counts;

/** Values of the classes as they are drawn: `[{number, values, base, low, high}]`, the first one lowest in a stack. */
export function drawnClasses(answer, hidden, measure, stacked) {
  const shown = answer.classes.filter((each) => !hidden.has(each.number) && each.counts.some((count) => count > 0));
  let below = new Array(answer.edges.length - 1).fill(0);
  return shown.map((each) => {
    const own = measure === "rates" ? each.rates : knownCounts(each.counts, answer.live_hours);
    if (!stacked) {
      return { number: each.number, values: own, base: null, low: each.low, high: each.high };
    }
    const base = below;
    below = own.map((value, bin) => (value === null ? base[bin] : base[bin] + value));
    const values = own.map((value, bin) => (value === null ? null : below[bin]));
    return { number: each.number, values, base };
  });
}

/**
 * Draw the chart into `root`; answers the uPlot object. `shown` has: answer, classes (drawnClasses), label (of the left
 * axis), intervals (whether they are drawn), series (or null), absent (bins without live time) and width. `on` has:
 * ready(u) when it has its size, brushed(begin, end), pointed(seconds or null), reset(), and mark(): the bins of the
 * keyboard, [first, last] or null.
 */
export function drawChart(root, app, shown, on) {
  const { answer, classes, series } = shown;
  const { edges } = answer;
  const ink = pageColour("--ink");
  const faint = pageColour("--faint");
  const line = pageColour("--line");
  const data = [edges];
  const lines = [{}];
  const ordered = [...classes].reverse();
  for (const each of ordered) {
    const colour = classColour(app, each.number);
    data.push(padded(each.values));
    lines.push({
      scale: "y", stroke: colour, width: 1.5, fill: each.base ? `${colour}b0` : undefined, points: { show: false },
      dash: DASHES[Math.floor(Math.max(0, each.number) / COLOURS) % DASHES.length],
      paths: steps(edges, each.values, "y", each.base),
    });
  }
  if (series) {
    data.push(padded(series.greatest));
    lines.push({ scale: "env", stroke: "transparent", width: 0, fill: withAlpha(faint, 0.16), points: { show: false },
      paths: steps(edges, series.greatest, "env", series.least) });
    data.push(padded(series.mean));
    lines.push({ scale: "env", stroke: ink, width: 1, dash: [4, 2], points: { show: false }, paths: steps(edges, series.mean, "env", null) });
  }
  const grid = { stroke: line, width: 1 };
  const axis = { stroke: faint, grid, ticks: grid, font: "11px system-ui, sans-serif", labelFont: "11px system-ui, sans-serif" };
  const highest = shown.intervals ? Math.max(0, ...classes.flatMap((each) => each.high ?? [])) : 0;
  const options = {
    width: shown.width, height: HEIGHT, legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: {
      x: { time: true, range: [edges[0], edges.at(-1)] },
      y: { range: (u, low, high) => [0, 1.05 * Math.max(high ?? 0, highest) || 1] },
      env: { range: (u, low, high) => seriesRange(series) },
    },
    axes: [
      { ...axis, values: (u, splits, index, space, step) => tickTexts(splits, step) },
      { ...axis, scale: "y", label: shown.label, size: 52, values: (u, splits) => splits.map((each) => number(each)) },
      ...(series ? [{ ...axis, scale: "env", side: 1, label: `${series.name} (${series.unit})`, size: 52, grid: { show: false },
        values: (u, splits) => splits.map((each) => number(each)) }] : []),
    ],
    series: lines,
    cursor: {
      y: false, points: { show: false }, drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => on.reset() },
    },
    hooks: {
      setSelect: [(u) => u.select.width > 2 && on.brushed(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"))],
      setCursor: [(u) => on.pointed(u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)],
      ready: [(u) => on.ready(u)],
      drawClear: [(u) => shade(u, edges, shown.absent, line)],
      draw: [(u) => {
        if (shown.intervals) drawIntervals(u, app, edges, classes);
        outline(u, edges, on.mark(), ink);
      }],
    },
  };
  const u = new uPlot(options, data, root);
  u.root.querySelector("canvas").setAttribute("aria-hidden", "true");
  return u;
}

/** Mark a time as the brush; null takes the mark away. */
export function showBrush(u, range) {
  const left = range ? Math.max(0, u.valToPos(range[0], "x")) : 0;
  const right = range ? Math.min(u.over.clientWidth, u.valToPos(range[1], "x")) : 0;
  const visible = right > left;
  u.setSelect({ left, width: visible ? right - left : 0, top: 0, height: visible ? u.over.clientHeight : 0 }, false);
}

const withAlpha = (rgb, alpha) => rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);

function seriesRange(series) {
  const values = [...(series?.least ?? []), ...(series?.greatest ?? [])].filter((value) => value !== null);
  if (!values.length) return [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const edge = 0.08 * (high - low) || 1;
  return [low - edge, high + edge];
}

/** Bins without live time: hatched, so that they are not taken for bins without events. */
function shade(u, edges, absent, colour) {
  const { ctx } = u;
  ctx.save();
  ctx.beginPath();
  for (const bin of absent) {
    const left = u.valToPos(edges[bin], "x", true);
    ctx.rect(left, u.bbox.top, u.valToPos(edges[bin + 1], "x", true) - left, u.bbox.height);
  }
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let x = u.bbox.left - u.bbox.height; x < u.bbox.left + u.bbox.width; x += 8) {
    ctx.moveTo(x, u.bbox.top + u.bbox.height);
    ctx.lineTo(x + u.bbox.height, u.bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

function drawIntervals(u, app, edges, classes) {
  const { ctx } = u;
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  classes.forEach((each, index) => {
    if (!each.high) return;
    ctx.strokeStyle = classColour(app, each.number);
    ctx.beginPath();
    each.high.forEach((high, bin) => {
      if (high === null) return;
      const share = (index + 1) / (classes.length + 1);
      const x = u.valToPos(edges[bin] + share * (edges[bin + 1] - edges[bin]), "x", true);
      ctx.moveTo(x, u.valToPos(each.low[bin], "y", true));
      ctx.lineTo(x, u.valToPos(high, "y", true));
    });
    ctx.stroke();
  });
  ctx.restore();
}

function outline(u, edges, mark, colour) {
  if (!mark || mark[1] >= edges.length - 1) return;
  const left = u.valToPos(edges[mark[0]], "x", true);
  u.ctx.save();
  u.ctx.setLineDash([]);
  u.ctx.strokeStyle = colour;
  u.ctx.lineWidth = 2;
  u.ctx.strokeRect(left, u.bbox.top + 1, u.valToPos(edges[mark[1] + 1], "x", true) - left, u.bbox.height - 2);
  u.ctx.restore();
}
