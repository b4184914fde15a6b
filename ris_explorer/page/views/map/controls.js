// What a person can do with the map: colours, lasso, rectangle, view.

import { state } from "../../state/state.js";
import { h } from "../parts/elements.js";
import { onKey } from "../parts/keys.js";
import { COLOURINGS } from "./colouring.js";
import { rectangle } from "./polygon.js";

const STEP = 0.15;
const ZOOM = 0.75;

/**
 * The controls: `map` has `box`, `lasso`, `select(corners)`, `visible()`, `show(rect)`, `showAll()`.
 */
export function mapControls(map) {
  const colour = h("select", { onchange: () => state.set({ colour: colour.value }) },
    Object.entries(COLOURINGS).map(([name, { title }]) => h("option", { value: name }, title)));
  const draw = h("button", { type: "button", "aria-pressed": "false", title: "Draw around events (l)", onclick: () => lassoMode(!drawing) }, "Lasso");
  const seenButton = h("button", { type: "button", title: "Choose the events that are visible (v)", onclick: () => selectVisible() }, "Visible");
  const numbers = h("button", { type: "button", title: "Choose by coordinates", onclick: () => dialog.open() }, "Rectangle");
  const all = h("button", { type: "button", title: "Show all events (0)", onclick: () => map.showAll() }, "Reset view");
  const clear = h("button", { type: "button", onclick: () => state.set({ lasso: null }) }, "Clear lasso");
  const dialog = rectangleDialog(map);
  let drawing = false;

  function lassoMode(on) {
    drawing = on;
    draw.setAttribute("aria-pressed", String(on));
    if (on) map.lasso.start((corners) => { lassoMode(false); map.select(corners.map(toMap)); });
    else map.lasso.stop();
  }
  const toMap = ([x, y]) => {
    const { x1, x2, y1, y2 } = map.visible();
    return [x1 + (x / map.box.clientWidth) * (x2 - x1), y2 - (y / map.box.clientHeight) * (y2 - y1)];
  };
  const selectVisible = () => {
    const { x1, x2, y1, y2 } = map.visible();
    map.select(rectangle(x1, y1, x2, y2));
  };
  const show = () => {
    colour.value = state.get("colour") in COLOURINGS ? state.get("colour") : "class";
    clear.hidden = !state.get("lasso");
  };

  const isShown = () => map.box.checkVisibility();
  onKey("l", "map: draw a lasso", () => lassoMode(!drawing), isShown);
  onKey("v", "map: choose the events that are visible", selectVisible, isShown);
  onKey("0", "map: show all events", () => map.showAll(), isShown);
  const isFocused = () => map.box.contains(document.activeElement);
  const move = (dx, dy, zoom) => {
    const { x1, x2, y1, y2 } = map.visible();
    const [width, height] = [x2 - x1, y2 - y1];
    map.show({ x: x1 + width * (dx + (1 - zoom) / 2), y: y1 + height * (dy + (1 - zoom) / 2), width: width * zoom, height: height * zoom });
  };
  for (const [key, dx, dy, about] of [["ArrowLeft", -STEP, 0, "left"], ["ArrowRight", STEP, 0, "right"], ["ArrowUp", 0, STEP, "up"], ["ArrowDown", 0, -STEP, "down"]]) {
    onKey(key, `map: go ${about}`, () => move(dx, dy, 1), isFocused);
  }
  onKey("+", "map: zoom in", () => move(0, 0, ZOOM), isFocused);
  onKey("-", "map: zoom out", () => move(0, 0, 1 / ZOOM), isFocused);
  onKey("Escape", "map: stop drawing", () => lassoMode(false), () => drawing);

  state.on(["colour", "lasso"], show);
  show();
  const element = h("div", { class: "map-controls" },
    h("label", {}, "Colour ", colour), draw, seenButton, numbers, clear, h("span", { class: "map-space" }), all, dialog.element);
  return { element };
}

/** A dialog that takes the corners of a rectangle as numbers. */
function rectangleDialog(map) {
  const field = (name, label) => h("input", { type: "number", step: "any", required: true, name, "aria-label": label });
  const fields = { x1: field("x1", "x from"), x2: field("x2", "x to"), y1: field("y1", "y from"), y2: field("y2", "y to") };
  const form = h("form", { method: "dialog" },
    h("p", {}, "x from ", fields.x1, " to ", fields.x2), h("p", {}, "y from ", fields.y1, " to ", fields.y2),
    h("p", {}, h("button", { value: "choose" }, "Choose the events in it"), " ", h("button", { value: "", formnovalidate: true }, "Cancel")));
  const element = h("dialog", { class: "map-rectangle", "aria-label": "Rectangle on the map of events" }, h("h2", {}, "Rectangle on the map of events"), form);
  element.addEventListener("close", () => {
    if (element.returnValue !== "choose") return;
    const [x1, x2, y1, y2] = ["x1", "x2", "y1", "y2"].map((name) => fields[name].valueAsNumber);
    map.select(rectangle(x1, y1, x2, y2));
  });
  const open = () => {
    for (const [name, value] of Object.entries(map.visible())) fields[name].value = value.toPrecision(5);
    element.returnValue = "";
    element.showModal();
  };
  return { element, open };
}
