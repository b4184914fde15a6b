// A trace with zoom: the event's context, or the raw record around it; the window of the spectrogram is marked.

import uPlot from "../../vendor/uplot/uPlot.esm.js";
import { fill, h } from "../parts/elements.js";
import { pageColour } from "../parts/theme.js";

const HEIGHT = 160;
const FONT = "11px system-ui, sans-serif";

/**
 * A plot: `draw({seconds, series: [{label, values}], window: [first, last], peak, unit})`; seconds count from the start of
 * the window. `about` says what is drawn to those who do not see it.
 */
export function tracePlot(about) {
  const place = h("div", { class: "event-trace", role: "img", "aria-label": about });
  const button = (text, label, act) => h("button", { type: "button", "aria-label": label, onclick: act }, text);
  const zoom = h("div", { class: "event-zoom", role: "group", "aria-label": "Zoom of the trace" },
    button("+", "Zoom in", () => scale(0.5)), button("−", "Zoom out", () => scale(2)),
    button("‹", "Earlier", () => shift(-0.4)), button("›", "Later", () => shift(0.4)),
    button("Window", "Show the window", () => drawn && go(...drawn.window)), button("All", "Show all", () => drawn && go(...ends())));
  const element = h("div", {}, place, zoom);
  let plot = null;
  let drawn = null;

  const ends = () => [drawn.seconds[0], drawn.seconds[drawn.seconds.length - 1]];
  const go = (min, max) => plot?.setScale("x", { min, max });
  function scale(factor) {
    if (!plot) return;
    const { min, max } = plot.scales.x;
    const half = ((max - min) / 2) * factor;
    const [first, last] = ends();
    go(Math.max(first, (min + max) / 2 - half), Math.min(last, (min + max) / 2 + half));
  }
  function shift(share) {
    if (!plot) return;
    const { min, max } = plot.scales.x;
    const [first, last] = ends();
    const by = Math.max(first - min, Math.min(last - max, (max - min) * share));
    go(min + by, max + by);
  }

  function draw(found) {
    drawn = found;
    plot?.destroy();
    fill(place);
    const [ink, line, accent, trouble] = ["--faint", "--line", "--accent", "--trouble"].map(pageColour);
    const axis = { stroke: ink, font: FONT, labelFont: FONT, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const marked = (u) => {
      const [x1, x2] = found.window.map((value) => u.valToPos(value, "x", true));
      const { left, top, width, height } = u.bbox;
      const from = Math.max(left, x1);
      u.ctx.save();
      u.ctx.fillStyle = line;
      u.ctx.fillRect(from, top, Math.max(0, Math.min(left + width, x2) - from), height);
      const peak = u.valToPos(found.peak, "x", true);
      u.ctx.fillStyle = trouble;
      if (peak >= left && peak <= left + width) u.ctx.fillRect(peak, top, Math.max(1, window.devicePixelRatio), height);
      u.ctx.restore();
    };
    plot = new uPlot(
      {
        width: place.clientWidth || 380,
        height: HEIGHT,
        scales: { x: { time: false } },
        legend: { show: false },
        cursor: { drag: { x: true, y: false } },
        axes: [
          { ...axis, label: "time from the start of the window (s)", labelSize: 16, size: 28 },
          { ...axis, label: found.unit, labelSize: 16, size: 50, space: 26, values: (u, values) => values.map((value) => (value === 0 ? "0" : Number(value.toPrecision(3)).toString())) },
        ],
        series: [{}, ...found.series.map(({ label, colour: own }) => ({ label, stroke: own ?? accent, width: 1, points: { show: false } }))],
        hooks: { drawClear: [marked] },
      },
      [found.seconds, ...found.series.map(({ values }) => values)],
      place,
    );
  }

  new ResizeObserver(() => plot && place.clientWidth && plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  return { element, draw, again: () => drawn && draw(drawn) };
}
