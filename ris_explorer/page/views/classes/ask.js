// A dialog with a few fields.

import { fill, h } from "../parts/elements.js";

/**
 * Ask for some texts. `fields`: {name, label, value, options}; with options it is a choice. A note may be empty, nothing
 * else. Resolves to the texts by name, or null.
 */
export function askFor(title, fields, words = "") {
  return new Promise((resolve) => {
    let answer = null;
    const made = fields.map(({ name, label, value = "", options }) => {
      const id = `ask-${name}`;
      const field = options
        ? h("select", { id }, options.map((option) => h("option", { value: option }, option)))
        : h("input", { id, value, maxlength: name === "note" ? "2000" : "80", autocomplete: "off" });
      return { name, label, field, row: h("p", {}, h("label", { for: id }, `${label}: `), field) };
    });
    const trouble = h("p", { class: "trouble", role: "alert" });
    const form = h("form", {}, h("h2", {}, title), words ? h("p", {}, words) : null, made.map(({ row }) => row), trouble,
      h("p", {}, h("button", { type: "submit" }, "Go on"), " ", h("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
    const dialog = h("dialog", { "aria-label": title }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const missing = made.find(({ name, field }) => !field.value.trim() && (name !== "note" || made.length === 1));
      if (missing) {
        fill(trouble, `“${missing.label}” is empty.`);
        missing.field.focus();
        return;
      }
      answer = Object.fromEntries(made.map(({ name, field }) => [name, field.value.trim()]));
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
