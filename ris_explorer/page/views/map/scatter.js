// Draws points with WebGL: the library regl-scatterplot, with what the map of events needs of it.

import createPubSub from "../../vendor/pub-sub-es/index.js";

const FILES = ["/page/vendor/regl/regl.min.js", "/page/vendor/regl-scatterplot/regl-scatterplot.min.js"];
const MARGIN = 1.06;

let loaded = null;

/** Load the library; it is written for classic scripts. */
function load() {
  globalThis.createPubSub = createPubSub;
  loaded ??= FILES.reduce((before, source) => before.then(() => script(source)), Promise.resolve());
  return loaded;
}

const script = (source) => new Promise((resolve, reject) => {
  const element = document.createElement("script");
  element.src = source;
  element.onload = resolve;
  element.onerror = () => reject(new Error(`${source} cannot be loaded`));
  document.head.append(element);
});

/** Whether the browser can draw the map, as a sentence: "" if it can. */
export function whyNot() {
  const gl = document.createElement("canvas").getContext("webgl");
  if (!gl) return "This browser has no WebGL, which the map is drawn with.";
  if (!gl.getExtension("OES_texture_float")) return "WebGL of this browser lacks float textures, which the map is drawn with.";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return "";
}

/** A linear scale as D3's, of which the library uses domain and range. */
function scale(domain) {
  let [from, to] = [domain, [0, 1]];
  const it = (value) => to[0] + ((value - from[0]) / (from[1] - from[0])) * (to[1] - to[0]);
  it.invert = (place) => from[0] + ((place - to[0]) / (to[1] - to[0])) * (from[1] - from[0]);
  it.domain = (next) => { if (!next) return from; from = [...next]; return it; };
  it.range = (next) => { if (!next) return to; to = [...next]; return it; };
  return it;
}

/**
 * Points on a canvas.
 *
 * `x`, `y`: Float32Arrays of N points, all finite. `listeners`: `view()` when another part is shown, `over(point)` and
 * `out()`, `chosen(point)` when one is clicked.
 */
export async function createScatter(canvas, x, y, listeners) {
  await load();
  const box = bounds(x, y);
  const half = Math.max(box.width, box.height) / 2 || 1;
  const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
  const [xs, ys] = [[cx - half, cx + half], [cy - half, cy + half]];
  const [xScale, yScale] = [scale(xs), scale(ys)];
  const plot = globalThis.createScatterplot.default({
    canvas, xScale, yScale, ...canvasSize(canvas), actionKeyMap: {}, deselectOnDblClick: false, deselectOnEscape: false,
    colorBy: "valueA", pointSize: x.length > 100_000 ? 1.6 : 3.2, opacity: x.length > 100_000 ? 0.55 : 0.8,
    pointSizeSelected: 5, pointOutlineWidth: 2,
  });
  const [px, py] = [x.map((value) => (value - cx) / half), y.map((value) => (value - cy) / half)];
  let index = null;
  let queue = Promise.resolve();
  let whole = true; // whether all points are shown, as long as a person has not moved the view
  for (const moving of ["wheel", "mousedown"]) canvas.addEventListener(moving, () => { whole = false; }, { passive: true });

  /** Show a rectangle {x, y, width, height} of the map. */
  function show({ x: left, y: low, width, height }) {
    whole = false;
    plot.zoomToArea({ x: (left - cx) / half, y: (low - cy) / half, width: width / half, height: height / half });
  }

  function showAll() {
    const [width, height] = [box.width, box.height].map((size) => Math.max(size, half / 50) * MARGIN);
    show({ x: cx - width / 2, y: cy - height / 2, width, height });
    whole = true;
  }

  plot.subscribe("view", () => listeners.view());
  plot.subscribe("pointover", (point) => listeners.over(point));
  plot.subscribe("pointout", () => listeners.out());
  plot.subscribe("select", ({ points }) => points.length === 1 && listeners.chosen(points[0]));

  return {
    xScale,
    yScale,
    /** Draw points in colours: `colour` is the place of each in `palette`; those of `order` come last, on top. */
    draw(colour, palette, order) {
      queue = queue.then(async () => {
        plot.set({ pointColor: palette, pointColorActive: palette, pointColorHover: palette });
        await plot.draw({ x: px, y: py, valueA: colour }, { spatialIndex: index ?? undefined, zDataType: "categorical" });
        index ??= plot.get("spatialIndex");
        plot.set({ pointOrder: order });
        plot.redraw();
      });
      return queue;
    },
    /** Mark one point, or none (-1). */
    mark: (point) => (queue = queue.then(() => (point < 0 ? plot.deselect({ preventEvent: true }) : plot.select([point], { preventEvent: true })))),
    show,
    showAll,
    /** Fit the canvas to its box. The library keeps scales of the old size until the view changes, so they are set anew. */
    async resize() {
      const [x, [y1, y2], all] = [xScale.domain(), yScale.domain(), whole];
      await plot.set(canvasSize(canvas));
      xScale.domain(xs);
      yScale.domain(ys);
      plot.set({ xScale, yScale });
      if (all) showAll();
      else show({ x: (x[0] + x[1]) / 2, y: y1, width: 0, height: y2 - y1 });
    },
    place: (point) => plot.getScreenPosition(point),
    destroy: () => queue.then(() => plot.destroy()),
  };
}

const canvasSize = (canvas) => ({ width: canvas.parentElement.clientWidth, height: canvas.parentElement.clientHeight });

function bounds(x, y) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    if (x[i] < left) left = x[i];
    if (x[i] > right) right = x[i];
    if (y[i] < low) low = y[i];
    if (y[i] > high) high = y[i];
  }
  return { x: left, y: low, width: right - left, height: high - low };
}
