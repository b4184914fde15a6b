// Draws points on the processor, into the pixels of a picture: where there is no graphics card, which is then faster.

import { aroundAll, linear } from "./scales.js";

const NEAR_PX = 9;
const DRAG_PX = 4;
const ZOOM = 1.0015;

/** As `createScatter` of scatter.js. */
export function createPlainScatter(canvas, x, y, listeners) {
  const context = canvas.getContext("2d");
  const everything = aroundAll(x, y);
  const [xScale, yScale] = [linear([0, 1]), linear([0, 1])];
  let [colours, inks, order, marked] = [null, null, null, -1];
  let [width, height, whole] = [0, 0, true];
  let [frame, dragged, hovered] = [0, null, -1];

  /** Show a rectangle of the map, and as much more as the shape of the picture needs. */
  function show({ x: left, y: low, width: wide, height: high }) {
    whole = false;
    const unit = Math.max(wide / width, high / height);
    const [cx, cy] = [left + wide / 2, low + high / 2];
    look(cx, cy, unit);
  }

  function look(cx, cy, unit) {
    xScale.domain([cx - (unit * width) / 2, cx + (unit * width) / 2]).range([0, width]);
    yScale.domain([cy - (unit * height) / 2, cy + (unit * height) / 2]).range([height, 0]);
    again();
    listeners.view();
  }

  function showAll() {
    show(everything);
    whole = true;
  }

  function again() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(render);
  }

  /** Numbers that turn a place into a pixel: pixel = place * a + b, for x and y. */
  function pixels() {
    const [[x1, x2], [y1, y2]] = [xScale.domain(), yScale.domain()];
    const [ax, ay] = [width / (x2 - x1), height / (y1 - y2)];
    return [ax, -x1 * ax, ay, height - y1 * ay];
  }

  function render() {
    if (!colours || !width) return;
    const density = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * density), Math.round(height * density)];
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const picture = context.createImageData(wide, high);
    const ink = new Uint32Array(picture.data.buffer);
    const [ax, bx, ay, by] = pixels().map((value) => value * density);
    const size = Math.max(1, Math.round((x.length > 100_000 ? 2 : 3) * density));
    for (let i = 0; i < x.length; i++) {
      const point = order ? order[i] : i;
      const left = Math.round(x[point] * ax + bx - size / 2);
      const top = Math.round(y[point] * ay + by - size / 2);
      if (left < 0 || top < 0 || left + size > wide || top + size > high) continue;
      const colour = inks[colours[point]];
      for (let row = top * wide + left; row < (top + size) * wide + left; row += wide) {
        for (let at = row; at < row + size; at++) ink[at] = colour;
      }
    }
    context.putImageData(picture, 0, 0);
    if (marked < 0) return;
    context.beginPath();
    context.arc(x[marked] * ax + bx, y[marked] * ay + by, 6 * density, 0, 2 * Math.PI);
    context.lineWidth = 2 * density;
    context.strokeStyle = `rgb(${listeners.ink().slice(0, 3).map((part) => Math.round(255 * part)).join(" ")})`;
    context.stroke();
  }

  /** The point nearest to a pixel; -1 if none is near. */
  function nearest(px, py) {
    const [ax, bx, ay, by] = pixels();
    let [found, least] = [-1, NEAR_PX * NEAR_PX];
    for (let i = 0; i < x.length; i++) {
      const [dx, dy] = [x[i] * ax + bx - px, y[i] * ay + by - py];
      const squared = dx * dx + dy * dy;
      if (squared < least) [found, least] = [i, squared];
    }
    return found;
  }

  const place = (event) => {
    const rect = canvas.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  const hover = (point) => {
    if (point === hovered) return;
    hovered = point;
    if (point < 0) listeners.out();
    else listeners.over(point);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    dragged = { from: place(event), last: place(event), moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = place(event);
    if (!dragged) {
      hover(nearest(px, py));
      return;
    }
    dragged.moved ||= Math.hypot(px - dragged.from[0], py - dragged.from[1]) >= DRAG_PX;
    if (!dragged.moved) return;
    const [dx, dy] = [xScale.invert(dragged.last[0]) - xScale.invert(px), yScale.invert(dragged.last[1]) - yScale.invert(py)];
    dragged.last = [px, py];
    move(dx, dy, 1);
  });
  canvas.addEventListener("pointerup", (event) => {
    const clicked = dragged && !dragged.moved;
    dragged = null;
    const point = clicked ? nearest(...place(event)) : -1;
    if (point >= 0) listeners.chosen(point);
  });
  canvas.addEventListener("pointercancel", () => { dragged = null; });
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [px, py] = place(event);
    const zoom = ZOOM ** event.deltaY;
    const keep = (scale, pixel, middle) => (1 - zoom) * (scale.invert(pixel) - scale.invert(middle));
    move(keep(xScale, px, width / 2), keep(yScale, py, height / 2), zoom);
  }, { passive: false });

  function move(dx, dy, zoom) {
    whole = false;
    const [[x1, x2], [y1, y2]] = [xScale.domain(), yScale.domain()];
    look((x1 + x2) / 2 + dx, (y1 + y2) / 2 + dy, ((x2 - x1) / width) * zoom);
  }

  function resize() {
    const [[x1, x2], [y1, y2], before] = [xScale.domain(), yScale.domain(), height];
    [width, height] = [canvas.parentElement.clientWidth, canvas.parentElement.clientHeight];
    if (whole || !before) showAll();
    else look((x1 + x2) / 2, (y1 + y2) / 2, (y2 - y1) / height);
  }
  resize();

  return {
    xScale, yScale, show, showAll, resize,
    draw(colour, palette, drawing) {
      [colours, inks, order] = [colour, Uint32Array.from(palette, inkOf), drawing];
      again();
    },
    mark(point) {
      marked = point;
      again();
    },
    place: (point) => [xScale(x[point]), yScale(y[point])],
    destroy: () => cancelAnimationFrame(frame),
  };
}

/** A colour as the four bytes of a pixel: "#rrggbb" or [r, g, b, a] from 0 to 1. */
function inkOf(colour) {
  const part = (index) => (Array.isArray(colour) ? Math.round(colour[index] * 255) : parseInt(colour.slice(1 + 2 * index, 3 + 2 * index), 16));
  return ((255 << 24) | (part(2) << 16) | (part(1) << 8) | part(0)) >>> 0;
}
