// A class by its name; a new one is asked for again, so that a typing error makes no class.

import { changesInWords, confirmed, doing, previewOf, WHEN } from "../parts/decide.js";
import { fill, h } from "../parts/elements.js";

/** Ask for the class of an event in a dialog. Resolves to its name, or "" if none is wanted. */
export async function askClassName({ event_id: name }, classes) {
  const text = await typed(classes);
  if (!text) return "";
  const preview = await doing(() => previewOf({ kind: "label", event_ids: [name], class_name: text }));
  if (!preview) return "";
  if (!preview.new_class) return preview.decision.class_name;
  const words = [
    `“${preview.decision.class_name}” is a new class.`,
    preview.like && `There is “${preview.like}” already: is it a typing error?`,
    changesInWords(preview),
    WHEN,
  ];
  return (await confirmed("A new class", words, "Make this class")) ? preview.decision.class_name : "";
}

function typed(classes) {
  return new Promise((resolve) => {
    const field = h("input", { id: "review-class-name", list: "review-class-names", maxlength: "80", autocomplete: "off" });
    const trouble = h("p", { class: "trouble", role: "alert" });
    let answer = "";
    const form = h("form", {},
      h("h2", {}, "A class by its name"),
      h("p", {}, h("label", { for: "review-class-name" }, "Class: "), field,
        h("datalist", { id: "review-class-names" }, classes.map((each) => h("option", { value: each.name })))),
      trouble,
      h("p", {}, h("button", { type: "submit" }, "Go on"), " ",
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
    const dialog = h("dialog", { "aria-label": "A class by its name" }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = field.value.trim();
      if (answer) dialog.close();
      else fill(trouble, "Give the name of a class.");
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
