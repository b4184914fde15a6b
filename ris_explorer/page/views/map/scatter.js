// Draws points with WebGL: the library regl-scatterplot, with what the map of events needs of it.

import createPubSub from "../../vendor/pub-sub-es/index.js";
import { aroundAll, linear } from "./scales.js";

const FILES = ["/page/vendor/regl/regl.min.js", "/page/vendor/regl-scatterplot/regl-scatterplot.min.js"];

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

/** How the browser draws: "card", "software" (WebGL on the processor), or "none" without what the library needs of WebGL. */
export function drawing() {
  const gl = document.createElement("canvas").getContext("webgl");
  if (!gl?.getExtension("OES_texture_float")) return "none";
  const name = String(gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name) ? "software" : "card";
}

/**
 * Points on a canvas.
 *
 * `x`, `y`: Float32Arrays of N points, all finite. `listeners`: `view()` when another part is shown, `over(point)` and
 * `out()`, `chosen(point)` when one is clicked; `ink()` and `paper()` return
 * the colours of a mark and of the ground, [r, g, b, a] from 0 to 1.
 */
export async function createScatter(canvas, x, y, listeners) {
  await load();
  const everything = aroundAll(x, y);
  const half = Math.max(everything.width, everything.height) / 2;
  const [cx, cy] = [everything.x + everything.width / 2, everything.y + everything.height / 2];
  const plot = globalThis.createScatterplot.default({
    canvas, ...canvasSize(canvas), actionKeyMap: {}, deselectOnDblClick: false, deselectOnEscape: false,
    colorBy: "valueA", pointSize: x.length > 100_000 ? 1.6 : 3.2, opacity: x.length > 100_000 ? 0.55 : 0.8,
    pointSizeSelected: 5, pointOutlineWidth: 2,
  });
  const [px, py] = [x.map((value) => (value - cx) / half), y.map((value) => (value - cy) / half)];
  let [index, ordered] = [null, false];
  let queue = Promise.resolve();
  let whole = true; // whether all points are shown, as long as a person has not moved the view
  for (const moving of ["wheel", "mousedown"]) canvas.addEventListener(moving, () => { whole = false; }, { passive: true });

  /** Show a rectangle {x, y, width, height} of the map. */
  function show({ x: left, y: low, width, height }) {
    whole = false;
    plot.zoomToArea({ x: (left - cx) / half, y: (low - cy) / half, width: width / half, height: height / half });
    listeners.view();
  }

  function showAll() {
    show(everything);
    whole = true;
  }

  /** What the camera sees: both ends in x and in y, as places on the map. The library's own scales lag behind it. */
  function domains() {
    const view = plot.get("camera").view;
    const { width, height } = canvasSize(canvas);
    const seen = (reach, zoom, shift, middle) => [-1, 1].map((side) => middle + (half * (side * reach - shift)) / zoom);
    return [seen(width / height, view[0], view[12], cx), seen(1, view[5], view[13], cy)];
  }

  plot.subscribe("view", () => listeners.view());
  plot.subscribe("pointover", (point) => listeners.over(point));
  plot.subscribe("pointout", () => listeners.out());
  plot.subscribe("select", ({ points }) => points.length === 1 && listeners.chosen(points[0]));

  return {
    get xScale() { return linear(domains()[0]).range([0, canvas.clientWidth]); },
    get yScale() { return linear(domains()[1]).range([canvas.clientHeight, 0]); },
    /** Draw points in colours: `colour` is the place of each in `palette`; those of `order` come last, on top. */
    draw(colour, palette, order) {
      queue = queue.then(async () => {
        const ink = palette.map(() => listeners.ink());
        plot.set({ pointColor: palette, pointColorActive: ink, pointColorHover: ink, backgroundColor: listeners.paper() });
        await plot.draw({ x: px, y: py, valueA: colour }, { spatialIndex: index ?? undefined, zDataType: "categorical" });
        index ??= plot.get("spatialIndex");
        if (order || ordered) plot.set({ pointOrder: order });
        ordered = Boolean(order);
      });
      return queue;
    },
    /** Mark one point, or none (-1). */
    mark: (point) => (queue = queue.then(() => (point < 0 ? plot.deselect({ preventEvent: true }) : plot.select([point], { preventEvent: true })))),
    show,
    showAll,
    /** Fit the canvas to its box. */
    async resize() {
      const [[x1, x2], [y1, y2], all] = [...domains(), whole];
      await plot.set(canvasSize(canvas));
      if (all) showAll();
      else show({ x: (x1 + x2) / 2, y: y1, width: 0, height: y2 - y1 });
    },
    place: (point) => plot.getScreenPosition(point),
    destroy: () => queue.then(() => plot.destroy()),
  };
}

const canvasSize = (canvas) => ({ width: canvas.parentElement.clientWidth, height: canvas.parentElement.clientHeight });
