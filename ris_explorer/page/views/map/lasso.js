// Draws a lasso over the map with the mouse, a pen or a finger, and shows the one that the address has.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_PX = 3;

/** An overlay over `box` (an element): `start(done)` lets a person draw; `show(points)` shows a polygon in pixels. */
export function createLasso(box) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "map-lasso");
  svg.setAttribute("aria-hidden", "true");
  const shown = document.createElementNS(SVG, "polygon");
  const drawn = document.createElementNS(SVG, "polyline");
  svg.append(shown, drawn);
  box.append(svg);
  let points = null;
  let done = null;

  const place = (event) => {
    const rect = svg.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  svg.addEventListener("pointerdown", (event) => {
    if (!done || event.button !== 0) return;
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    points = [place(event)];
  });
  svg.addEventListener("pointermove", (event) => {
    if (!points) return;
    const next = place(event);
    const last = points.at(-1);
    if (Math.hypot(next[0] - last[0], next[1] - last[1]) < LEAST_PX) return;
    points.push(next);
    drawn.setAttribute("points", points.join(" "));
  });
  const end = (event) => {
    if (!points) return;
    const found = points;
    points = null;
    drawn.removeAttribute("points");
    if (event.type === "pointerup" && found.length >= 3) done(found);
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);

  return {
    /** Let a person draw until `stop`; `done` gets the corners in pixels. */
    start: (listener) => { done = listener; svg.classList.add("drawing"); },
    stop: () => { done = null; points = null; drawn.removeAttribute("points"); svg.classList.remove("drawing"); },
    show: (corners) => {
      // A map that is not seen has no size, and so no pixels.
      if (corners.length && corners.flat().every(Number.isFinite)) shown.setAttribute("points", corners.join(" "));
      else shown.removeAttribute("points");
    },
  };
}
