// Keys of the page. A view registers its own; "?" shows all that work now.

const registered = [];

/**
 * Register a key: `key` as in KeyboardEvent.key, `about` for the help, `action`, and `when`: whether it works now.
 * Keys do not work while a person types into a field.
 */
export function onKey(key, about, action, when = () => true) {
  registered.push({ key, about, action, when });
}

/** Keys that work now, for the help. */
export const keysNow = () => registered.filter((each) => each.when());

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "Escape" && isTyping(event.target)) return;
  const found = registered.find((each) => each.key === event.key && each.when());
  if (!found) return;
  if (event.key === " " && event.target.closest?.("button, a, summary")) return;
  event.preventDefault();
  found.action(event);
});
