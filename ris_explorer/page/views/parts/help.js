// The keys that work now, in a dialog.

import { fill, h } from "./elements.js";
import { keysNow, onKey } from "./keys.js";

const NAMES = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

/** Make the dialog and the key that opens it; returns the button that opens it too. */
export function helpButton() {
  const rows = h("tbody");
  const dialog = h("dialog", { class: "help", "aria-labelledby": "help-title" },
    h("h2", { id: "help-title" }, "Keys"),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "key"), h("th", {}, "what it does"))), rows),
    h("form", { method: "dialog" }, h("button", {}, "Close")),
  );
  document.body.append(dialog);
  const open = () => {
    fill(rows, keysNow().map(({ key, about }) => h("tr", {}, h("td", {}, h("kbd", {}, NAMES[key] ?? key)), h("td", {}, about))));
    dialog.showModal();
  };
  onKey("?", "show these keys", open, () => !dialog.open);
  return h("button", { type: "button", onclick: open, "aria-label": "Keys", title: "Keys (?)" }, "?");
}
