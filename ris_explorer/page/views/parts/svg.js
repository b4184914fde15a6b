// Elements of SVG, and the shapes of roses and pies. Text comes in as text.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** Make an SVG element; as `h` of elements.js. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A place on a circle; `turn` is 0 at the top and grows clockwise to 1. */
export function onCircle(x, y, radius, turn) {
  const angle = 2 * Math.PI * turn;
  return [x + radius * Math.sin(angle), y - radius * Math.cos(angle)];
}

const at = ([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`;

/** Path of a part of a ring between two radii and two turns; of a whole turn, a ring. */
export function ring(x, y, inner, outer, begin, end) {
  if (end - begin >= 1 - 1e-9) {
    return `${ring(x, y, inner, outer, begin, begin + 0.5)} ${ring(x, y, inner, outer, begin + 0.5, begin + 1 - 1e-6)}`;
  }
  const far = end - begin > 0.5 ? 1 : 0;
  const back = inner > 0
    ? `L ${at(onCircle(x, y, inner, end))} A ${inner.toFixed(2)} ${inner.toFixed(2)} 0 ${far} 0 ${at(onCircle(x, y, inner, begin))}`
    : `L ${at([x, y])}`;
  return `M ${at(onCircle(x, y, outer, begin))} A ${outer.toFixed(2)} ${outer.toFixed(2)} 0 ${far} 1 ${at(onCircle(x, y, outer, end))} ${back} Z`;
}

/** Let the arrow keys go through buttons of which only one is reached by Tab; `Home` and `End` go to the ends. */
export function roving(elements) {
  elements.forEach((element, index) => {
    element.setAttribute("tabindex", index ? "-1" : "0");
    element.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const to = { Home: 0, End: elements.length - 1 }[event.key];
      if (step === undefined && to === undefined) return;
      const next = elements[to ?? (index + step + elements.length) % elements.length];
      element.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
      event.preventDefault();
      event.stopPropagation();
    });
  });
}

/** What makes a drawn shape a button: `action(event)` is called by click, Enter and space. */
export function pressable(label, pressed, action) {
  return {
    role: "button", "aria-label": label, "aria-pressed": String(pressed), onclick: action,
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      action(event);
    },
  };
}
