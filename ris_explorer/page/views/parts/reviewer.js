// Who reviews: asked for once, and kept in this browser.

import { get } from "../../api/api.js";
import { fill, h } from "./elements.js";

const KEPT = "ris-explorer-reviewer";
const listeners = [];

/** The name of who reviews; "" if nobody has said it yet. */
export const reviewer = () => {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return kept;
  }
};
let kept = "";

/** Call `listener` when another person reviews. */
export const onReviewer = (listener) => listeners.push(listener);

function keep(name) {
  kept = name;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // A browser that keeps nothing: the name holds until the page is closed.
  }
  for (const listener of listeners) listener(name);
}

/** The name of who reviews; asks for it in a dialog if it is not known, or `anew`. "" if the person does not say it. */
export async function askReviewer({ anew = false } = {}) {
  if (reviewer() && !anew) return reviewer();
  return new Promise((resolve) => {
    const field = h("input", { id: "reviewer-name", maxlength: "80", autocomplete: "name", value: reviewer() });
    const trouble = h("p", { class: "trouble", role: "alert" });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", {}, "Who reviews?"),
      h("p", {}, h("label", { for: "reviewer-name" }, "Your name, as it is to stand in the review log: "), field),
      trouble,
      h("p", {}, h("button", { type: "submit" }, "Review under this name"), " ",
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel")),
    );
    const dialog = h("dialog", { "aria-label": "Who reviews?" }, form);
    let said = "";
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        said = (await get("reviewer", { name: field.value })).name;
        keep(said);
        dialog.close();
      } catch (error) {
        fill(trouble, error.message);
        field.focus();
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(said);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
