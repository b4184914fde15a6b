// The classes to choose from, with their keys, and what else can be done with the event.

import { fill, h } from "../parts/elements.js";
import { events } from "../parts/formats.js";

/** Build the view in `root`. */
export function mountChoices(root, app, deck) {
  const classes = h("div", { class: "review-classes", role: "group", "aria-label": "Classes" });
  const note = h("input", {
    id: "review-note", maxlength: "2000", autocomplete: "off", oninput: () => { deck.note = note.value; },
    onkeydown: (event) => { if (event.key === "Enter" || event.key === "Escape") note.blur(); },
  });
  const action = (key, name, about, act) =>
    h("button", { type: "button", title: about, onclick: (event) => { event.currentTarget.blur(); act(); } }, h("kbd", {}, key), ` ${name}`);
  root.append(
    classes,
    h("div", { class: "review-actions" },
      action("n", "other name", "A new class, or a class by its name", () => deck.askName()),
      action("space", "next", "The next event, without a decision", () => deck.skip()),
      action("b", "back", "The event before", () => deck.back()),
      action("z", "take back", "Withdraw your last decision and show its event again", () => deck.undo())),
    h("p", {}, h("label", { for: "review-note" }, "Note to the next decision: "), note),
  );
  deck.onChange(() => {
    if (document.activeElement !== note) note.value = deck.note;
    fill(classes, (deck.reviews?.classes ?? []).map((each) =>
      h("button", {
        type: "button", disabled: !deck.shown, "data-class": each.name,
        onclick: () => { document.activeElement?.blur(); deck.decide(each.name); },
      }, each.key && h("kbd", {}, each.key === "X" ? "shift x" : each.key), ` ${each.name} `,
      h("span", { class: "absent" }, each.name === "unsure" ? "no class" : events(each.reviewed)))));
  });
}
