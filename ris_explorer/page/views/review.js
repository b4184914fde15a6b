// The page Review: one event after another, and what the reviews amount to.

import { state } from "../state/state.js";
import { Deck } from "./review/deck.js";
import { mountChoices } from "./review/choices.js";
import { mountLog } from "./review/log.js";
import { mountProgress } from "./review/progress.js";
import { mountRetraining } from "./review/retraining.js";
import { mountShown } from "./review/shown.js";
import { h } from "./parts/elements.js";
import { onKey } from "./parts/keys.js";
import { askReviewer, onReviewer, reviewer } from "./parts/reviewer.js";

/** Build the view in `root`. */
export function mountReview(root, app) {
  const deck = new Deck();
  const [left, right] = [h("div", { class: "review-column" }), h("div", { class: "review-column" })];
  const panel = (column, name, title, mount) => {
    const body = h("div", {});
    column.append(h("section", { class: `panel review-${name}`, "aria-label": title }, h("h2", {}, title), body));
    mount(body, app, deck);
  };
  root.append(whoReviews(), h("div", { class: "review-columns" }, left, right));
  panel(left, "shown", "Event to review", mountShown);
  panel(left, "log", "Review log", mountLog);
  panel(right, "choices", "What is it?", mountChoices);
  panel(right, "retraining", "Training again", mountRetraining);
  panel(right, "progress", "Progress", mountProgress);
  bindKeys(deck);
  const begin = async () => {
    if (!reviewer()) await askReviewer();
    deck.begin();
  };
  onReviewer(() => deck.begin());
  state.on(["second"], () => deck.begin());
  app.onRenewed(() => deck.fill());
  begin();
}

function whoReviews() {
  const name = h("strong", {});
  const show = () => { name.textContent = reviewer() || "nobody yet"; };
  const second = h("input", { type: "checkbox", id: "review-second", onchange: () => {
    second.blur(); // keys decide again at once
    state.set({ second: second.checked ? "yes" : null });
  } });
  const showSecond = () => { second.checked = state.get("second") === "yes"; };
  onReviewer(show);
  state.on(["second"], showSecond);
  show();
  showSecond();
  return h("div", { class: "review-who" },
    h("span", {}, "Reviewer: ", name), " ",
    h("button", { type: "button", onclick: () => askReviewer({ anew: true }) }, "Another name"),
    h("label", {}, second, " second opinions: events that others have reviewed, without their words"));
}

function bindKeys(deck) {
  const here = () => state.get("view") === "review" && !document.querySelector("dialog[open]");
  const key = (name, about, action) => onKey(name, about, (event) => { if (!event.repeat) action(); }, here);
  for (let number = 1; number <= 9; number += 1) key(String(number), `class ${number} of the list`, () => deck.decideByKey(String(number)));
  key("n", "new class, or a class by its name", () => deck.askName());
  key("x", "noise", () => deck.decideByKey("x"));
  key("X", "not an event", () => deck.decideByKey("X"));
  key("u", "unsure", () => deck.decideByKey("u"));
  key("z", "take back your last decision", () => deck.undo());
  key(" ", "next event, without a decision", () => deck.skip());
  key("b", "back to the event before", () => deck.back());
}
