// The map of events: every event that has a place on it, in colours; a lasso chooses, a click opens.

import { array, get } from "../api/api.js";
import { state } from "../state/state.js";
import { COLOURINGS, colouring } from "./map/colouring.js";
import { mapControls } from "./map/controls.js";
import { createLasso } from "./map/lasso.js";
import { mapLegend } from "./map/legend.js";
import { createPlainScatter } from "./map/plain_scatter.js";
import { cornersOf, textOf } from "./map/polygon.js";
import { extremes } from "./map/scales.js";
import { createScatter, drawing } from "./map/scatter.js";
import { wordsOf } from "./map/words.js";
import { classTitle } from "./parts/colours.js";
import { failed, fill, h } from "./parts/elements.js";
import { time } from "./parts/formats.js";
import { onTheme } from "./parts/theme.js";

const GREY = 0;
// Without a graphics card, the processor draws more points than these faster by itself than by WebGL.
const MOST_IN_SOFTWARE = 50_000;

/** Build the view in `root`. */
export function mountEventMap(root, app) {
  let how = null; // what the browser draws with; asking takes long where WebGL is software
  const legend = mapLegend();
  const words = h("div", { class: "map-words" });
  const tip = h("div", { class: "map-tip", hidden: true });
  const box = h("div", { class: "map-box" }, tip);
  const lasso = createLasso(box);
  const controls = mapControls({ box, lasso, select, visible, show: (rect) => scatter?.show(rect), showAll: () => scatter?.showAll() });
  const parts = [controls.element, box, legend.element, words];
  let scatter = null; // what draws
  let points = null; // rows that have a place, and where
  let painting = null; // colours
  let said = null; // how the map was made
  let refused = false; // whether the filter cannot be used
  let passing = null; // how many points pass
  let hovered = -1;

  /** Choose the events in a polygon: corners in map coordinates. */
  function select(corners) {
    state.set({ lasso: textOf(corners, points.extent) });
  }

  /** What is visible as {x1, x2, y1, y2}. */
  function visible() {
    const [[x1, x2], [y1, y2]] = [scatter.xScale.domain(), scatter.yScale.domain()];
    return { x1: Math.min(x1, x2), x2: Math.max(x1, x2), y1: Math.min(y1, y2), y2: Math.max(y1, y2) };
  }

  async function load() {
    const colours = chosenColouring(); // asked for together with the places
    colours.catch(() => {}); // recolour says it
    try {
      const [asMade, x, y] = await Promise.all([get("event_map"), array("columns/x"), array("columns/y")]);
      said = asMade;
      points = placed(x.values, y.values);
      if (!points.rows.length) throw new Error("No event has a place on the map; `ris run --only map_events` makes it again.");
      fill(root, parts);
      await begin();
      await recolour(colours);
      markEvent();
    } catch (error) {
      points = painting = passing = null; // nothing is drawn until there is a map again
      failed(root, error);
    }
  }

  async function begin() {
    how ??= drawing();
    await scatter?.destroy();
    box.querySelector("canvas")?.remove();
    const canvas = h("canvas", { tabindex: "0", role: "img", "aria-label": "Map of events" });
    box.prepend(canvas);
    const listeners = { view: showLasso, over: hover, out: leave, chosen: open, ink: () => colourOf(root, "color"), paper: () => colourOf(box, "backgroundColor") };
    const plain = how === "none" || (how === "software" && points.rows.length > MOST_IN_SOFTWARE);
    scatter = null;
    scatter = await (plain ? createPlainScatter : createScatter)(canvas, points.x, points.y, listeners);
    scatter.showAll();
  }

  const chosenColouring = () => colouring(app, state.get("colour") in COLOURINGS ? state.get("colour") : "class");

  async function recolour(colours = chosenColouring()) {
    if (!points) return;
    try {
      painting = await colours;
      draw();
    } catch (error) {
      failed(legend.element, error);
    }
  }

  function draw() {
    if (!painting || !points) return;
    const paint = painting.paint();
    const mask = app.mask;
    const counts = new Uint32Array(paint.palette.length);
    const colour = new Float32Array(points.rows.length);
    const [under, over] = [[], []]; // plain arrays, as the library asks for
    for (let point = 0; point < points.rows.length; point++) {
      const row = points.rows[point];
      const passes = !refused && (!mask || mask.has(row));
      colour[point] = passes ? paint.indices[row] + 1 : GREY;
      if (passes) counts[paint.indices[row]] += 1;
      (passes ? over : under).push(point);
    }
    scatter?.draw(colour, [colourOf(box, "color"), ...paint.palette], under.length ? under.concat(over) : null);
    legend.show(painting.title, paint, counts);
    passing = over.length;
    showWords();
    showLasso();
  }

  function showWords() {
    if (passing === null) return;
    const text = refused ? ["The filter cannot be used, so no event passes it."] : wordsOf(said, points.rows.length, passing, app.counts);
    if (how === "none") text.push("This browser has no WebGL: the picture is drawn by the processor, which is slower to move.");
    fill(words, text.map((each) => h("p", {}, each)));
    box.querySelector("canvas")?.setAttribute("aria-label", `Map of events. ${text[0]}`);
  }

  const pointOf = (asked) => get("event_map/point", asked).then((found) => (found.version === said.version ? found : null), () => null);

  async function open(point) {
    const found = await pointOf({ row: points.rows[point] });
    if (found) state.set({ event: found.event_id });
  }

  async function hover(point) {
    hovered = point;
    const found = await pointOf({ row: points.rows[point] });
    if (!found || hovered !== point) return;
    fill(tip, h("strong", {}, classTitle(app, found.class)), h("div", {}, time(found.time)), h("div", {}, `${found.station} · ${found.event_id}`));
    tip.hidden = false;
    const [x, y] = scatter.place(point);
    tip.style.left = `${Math.max(4, Math.min(x + 12, box.clientWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${y > tip.offsetHeight + 14 ? y - tip.offsetHeight - 10 : y + 14}px`;
  }

  function leave() {
    hovered = -1;
    tip.hidden = true;
  }

  function showLasso() {
    leave();
    const corners = cornersOf(state.get("lasso"));
    const [xScale, yScale] = [scatter?.xScale, scatter?.yScale];
    lasso.show(scatter ? corners.map(([x, y]) => [xScale(x), yScale(y)]) : []);
  }

  async function markEvent() {
    if (!scatter) return;
    const event = state.get("event");
    const found = event ? await pointOf({ event }) : null;
    if (state.get("event") === event && points) scatter.mark(found ? points.pointOf(found.row) : -1);
  }

  fill(root, h("p", { class: "absent" }, "The places of the events are read."));
  state.on(["colour"], () => recolour());
  state.on(["lasso"], showLasso);
  state.on(["event"], markEvent);
  app.onMask((_, error) => {
    refused = Boolean(error);
    draw();
  });
  app.onCounts(showWords);
  onTheme(draw);
  app.onRenewed(({ labels }) => (labels || !points ? load() : recolour()));
  new ResizeObserver(() => {
    if (scatter && box.clientWidth) scatter.resize();
  }).observe(box);
  load();
}

/** A colour as the stylesheet has it now: [r, g, b, a] from 0 to 1. */
function colourOf(element, property) {
  const [red, green, blue] = getComputedStyle(element)[property].match(/[\d.]+/g).map(Number);
  return [red / 255, green / 255, blue / 255, 1];
}

/** Rows that have a place, and their places. */
function placed(x, y) {
  const rows = new Uint32Array(x.length);
  let n = 0;
  for (let row = 0; row < x.length; row++) {
    if (Number.isFinite(x[row]) && Number.isFinite(y[row])) rows[n++] = row;
  }
  const there = rows.subarray(0, n);
  const pick = (values) => {
    const found = new Float32Array(n);
    for (let point = 0; point < n; point++) found[point] = values[there[point]];
    return found;
  };
  const [px, py] = [pick(x), pick(y)];
  const extent = Math.max(...[px, py].map(extremes).map(([low, high]) => high - low)) || 1;
  return { rows: there, x: px, y: py, extent, /** Place of a row among the points; -1 without. */ pointOf: (row) => there.indexOf(row) };
}
