// The pictures of one page: arrows move, Space selects, Shift selects from the last one on, Enter opens.

import { state } from "../../state/state.js";
import { classColour, classMarker, classTitle } from "../parts/colours.js";
import { fill, h } from "../parts/elements.js";
import { onTheme } from "../parts/theme.js";
import { thumbnail } from "../parts/thumbnail.js";

const KEYS = "Arrow keys move, Space selects, with Shift from the last one on, Control A selects the page, Enter opens.";

/**
 * A grid of pictures. `selected` is a set of identifiers, which the grid changes; then it calls `onSelected`. `captionOf`
 * answers `{lines, about}` of an event: three lines, of which
 * the second is followed by the class, and all in words. `onPage(step)` turns pages; answers whether there is one.
 */
export function createGrid(app, selected, { onSelected, captionOf, onPage }) {
  const element = h("div", { class: "gallery-grid", role: "listbox", "aria-multiselectable": "true",
    "aria-label": `Events of this page. ${KEYS}` });
  let shown = [];
  let options = [];
  let anchor = 0;
  let focused = 0;
  let focusNext = null; // where the focus goes after the page was turned: "first" or "last"

  function show(events) {
    shown = events;
    options = events.map((event, place) => option(event, place));
    fill(element, options);
    element.hidden = !events.length;
    anchor = 0;
    focused = focusNext === "last" ? events.length - 1 : 0;
    marks();
    if (focusNext && options.length) options[focused].focus();
    focusNext = null;
  }

  function option(event, place) {
    const { lines, about } = captionOf(event);
    const marker = h("span", { class: "gallery-marker", "data-class": event.class, style: { color: classColour(app, event.class) } }, classMarker(event.class));
    const caption = [h("span", {}, lines[0]), h("span", {}, lines[1], marker, ` ${classTitle(app, event.class)}`), h("span", {}, lines[2])];
    const check = h("span", { class: "gallery-check", "aria-hidden": "true", title: "Select", onclick: (click) => {
      click.stopPropagation();
      click.shiftKey ? extend(place) : toggle(place);
    } });
    const made = h("div", { class: "gallery-option", role: "option", "aria-label": about, tabindex: "-1", onclick: (click) => {
      if (click.shiftKey) extend(place);
      else if (click.ctrlKey || click.metaKey) toggle(place);
      else open(place);
    } }, thumbnail(app, event.event_id, { caption, about: "" }), check);
    made.addEventListener("focus", () => { focused = place; roving(); });
    return made;
  }

  function marks() {
    for (const [place, each] of options.entries()) {
      const name = shown[place].event_id;
      each.setAttribute("aria-selected", String(selected.has(name)));
      each.classList.toggle("gallery-open", name === state.get("event"));
    }
    roving();
  }

  function roving() {
    for (const [place, each] of options.entries()) each.tabIndex = place === focused ? 0 : -1;
  }

  function toggle(place) {
    const name = shown[place].event_id;
    selected.has(name) ? selected.delete(name) : selected.add(name);
    anchor = place;
    marks();
    onSelected();
  }

  function extend(place) {
    const [from, to] = [Math.min(anchor, place), Math.max(anchor, place)];
    for (const { event_id } of shown.slice(from, to + 1)) selected.add(event_id);
    marks();
    onSelected();
  }

  function selectAll() {
    for (const { event_id } of shown) selected.add(event_id);
    marks();
    onSelected();
  }

  function open(place) {
    state.set({ event: shown[place].event_id });
  }

  function columns() {
    const top = options[0]?.offsetTop;
    const below = options.findIndex((each) => each.offsetTop !== top);
    return below < 0 ? options.length : below;
  }

  function move(place, extending) {
    if (place < 0 || place >= options.length) {
      const step = place < 0 ? -1 : 1;
      focusNext = step < 0 ? "last" : "first";
      if (extending || !onPage(step)) focusNext = null;
      return;
    }
    options[place].focus();
    if (extending) extend(place);
    else anchor = place;
  }

  element.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const act = {
      " ": () => (event.shiftKey ? extend(focused) : toggle(focused)),
      Enter: () => open(focused),
      Home: () => move(0, event.shiftKey),
      End: () => move(options.length - 1, event.shiftKey),
      PageDown: () => move(options.length, false),
      PageUp: () => move(-1, false),
      Escape: selected.size ? () => { selected.clear(); marks(); onSelected(); } : null,
    };
    if (event.key in steps) act[event.key] = () => move(focused + steps[event.key], event.shiftKey);
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== "a") return;
      act.a = selectAll;
    }
    if (!options.length || event.altKey || !act[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    act[event.key]();
  });

  state.on(["event"], marks);
  onTheme(() => {
    for (const marker of element.querySelectorAll(".gallery-marker")) marker.style.color = classColour(app, marker.dataset.class);
  });
  return { element, show, marks, selectAll };
}
