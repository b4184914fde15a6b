// A chooser of a class, with a button that writes a decision about one event, several, or all that pass a filter.

import { get } from "../../api/api.js";
import { changesInWords, confirmed, decide, doing, onDecided, previewOf, WHEN } from "./decide.js";
import { fill, h, say } from "./elements.js";
import { events } from "./formats.js";

let made = 0;

/**
 * A chooser with a button. `about()` returns `{event_ids: [...]}`, or `{filter: URLSearchParams}`; asked when the button
 * is pressed. Several events are one decision that is marked as bulk, and asked for again before it is written.
 */
export function assignControl(app, about, { label = "Assign" } = {}) {
  made += 1;
  const list = `assign-classes-${made}`;
  const options = h("datalist", { id: list });
  const field = h("input", {
    class: "assign-name", list, maxlength: "80", placeholder: "class", "aria-label": "Class to assign", autocomplete: "off",
  });
  const note = h("input", { class: "assign-note", maxlength: "2000", placeholder: "note", "aria-label": "Note to the decision" });
  const button = h("button", { type: "submit" }, label);
  const root = h("form", { class: "assign" }, field, options, note, button);

  const renew = async () => {
    try {
      const { classes } = await get("reviews");
      fill(options, classes.map(({ name, reviewed }) => h("option", { value: name }, events(reviewed))));
    } catch {
      fill(options); // the button says what is wrong with the log
    }
  };
  root.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await doing(async () => {
      if (await assign(about(), field.value, note.value)) note.value = "";
    });
    button.disabled = false;
  });
  app.onRenewed(renew);
  onDecided(renew);
  renew();
  return root;
}

/** Write one decision about events; asks again if it makes a class or is about several events. Returns whether. */
export async function assign({ event_ids: names, filter }, className, note = "", more = {}) {
  const asked = { kind: "label", class_name: className, note, ...more };
  if (filter) asked.filter = filter.toString();
  else Object.assign(asked, { event_ids: names, bulk: names.length > 1 });
  const preview = await previewOf(asked);
  if (!preview) return false;
  const many = preview.decision.events > 1;
  if (preview.new_class || many) {
    const title = many ? `One decision about ${events(preview.decision.events)}` : "A new class";
    const words = [
      preview.new_class && `“${preview.decision.class_name}” is a new class.`,
      preview.like && `There is “${preview.like}” already: is it a typing error?`,
      changesInWords(preview),
      many && "It is marked as bulk: you have not looked at each event.",
      WHEN,
    ];
    if (!(await confirmed(title, words, preview.new_class ? "Make this class" : "Write it"))) return false;
  }
  const written = await decide(asked);
  if (written) say(`${written.decision.words}: written`);
  return written !== null;
}
