// Elements without HTML text: whatever comes from data becomes text, never markup.

/** Make an element: h("button", {class: "x", onclick: f, "aria-label": "…"}, "text", child, …). */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(made.style, value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SAID_MS = 8000;
let saidTimer = 0;

/**
 * Say something to people who see the page and to those who hear it. It goes after a while; trouble stays until it is
 * closed or something else is done.
 */
export function say(text, { trouble = false } = {}) {
  if (trouble) {
    const close = h("button", { type: "button", "aria-label": "Close this message", onclick: () => say("", { trouble }) }, "×");
    const where = document.getElementById("notice");
    fill(where, text && [h("span", {}, text), close]);
    where.hidden = !text;
    return;
  }
  document.getElementById("said").textContent = text;
  clearTimeout(saidTimer);
  if (text) saidTimer = setTimeout(() => say(""), SAID_MS);
}

/** Say what is wrong as long as it is: the events on disk cannot be read, the server does not answer. "" if nothing is. */
export function saySteadily(text) {
  const where = document.getElementById("steady");
  if (where.textContent === text) return; // not read aloud again and again
  where.textContent = text;
  where.hidden = !text;
}

/** Show why a view has nothing to show. */
export function failed(element, error) {
  if (error.name === "AbortError") return;
  fill(element, h("p", { class: error.absent ? "absent" : "trouble" }, error.message));
}
