// When the stations were live: a row for each, in which the height of a bar is the share of the bin.

import { h } from "./elements.js";

const ROW = 11;
const LEAST_ROW = 7;
const MANY = 12;

/** A strip: `draw(answer, left, width)` draws it beneath a chart that begins at `left` and is `width` wide, CSS pixels. */
export function availabilityStrip() {
  const canvas = h("canvas", { role: "img", "aria-label": "Live time of the stations" });
  const root = h("div", { class: "timeline-strip" }, canvas);
  const draw = (answer, left, width) => {
    root.hidden = !answer.availability;
    if (root.hidden) return;
    const row = answer.availability.length > MANY ? LEAST_ROW : ROW;
    const height = row * answer.availability.length;
    const density = window.devicePixelRatio || 1;
    canvas.width = Math.round((left + width) * density);
    canvas.height = Math.round(height * density);
    Object.assign(canvas.style, { width: `${left + width}px`, height: `${height}px` });
    const context = canvas.getContext("2d");
    context.scale(density, density);
    const style = getComputedStyle(root);
    const { edges } = answer;
    const x = (seconds) => left + (width * (seconds - edges[0])) / (edges.at(-1) - edges[0]);
    context.font = `${row - 1}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    answer.availability.forEach(({ station, share }, place) => {
      const bottom = row * (place + 1) - 1;
      context.fillStyle = style.color;
      context.fillText(station, left - 4, bottom - row / 2 + 1);
      context.fillStyle = style.borderTopColor;
      context.fillRect(left, bottom, width, 0.5);
      context.fillStyle = style.outlineColor;
      share.forEach((percent, bin) => {
        if (!percent) return;
        const tall = Math.max(1.5, ((row - 2) * percent) / 100); // a short live time must be seen
        context.fillRect(x(edges[bin]), bottom - tall, Math.max(0.5, x(edges[bin + 1]) - x(edges[bin])), tall);
      });
    });
    canvas.setAttribute("aria-label", inWords(answer));
  };
  return { root, draw };
}

/** Share of the shown time in which each station was live. */
function inWords({ availability, edges }) {
  const whole = edges.at(-1) - edges[0];
  const parts = availability.map(({ station, share }) => {
    const live = share.reduce((sum, percent, bin) => sum + (percent / 100) * (edges[bin + 1] - edges[bin]), 0);
    return `${station} ${Math.round((100 * live) / whole)} %`;
  });
  return `Live time of the stations, share of the shown time: ${parts.join(", ")}`;
}
