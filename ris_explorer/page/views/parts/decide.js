// Decisions: each is an entry of the review log, written once however often it is sent.

import { post } from "../../api/api.js";
import { h, say } from "./elements.js";
import { count, events } from "./formats.js";
import { askReviewer } from "./reviewer.js";

const listeners = [];

/** Call `listener` after each decision or withdrawal of this page. */
export const onDecided = (listener) => listeners.push(listener);

function tell(answer) {
  for (const listener of listeners) listener(answer);
}

/** UUID of version 4; the page may be served without the secure context that crypto.randomUUID needs. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

/**
 * Write a decision; asks who reviews if nobody has said it. An answer that does not come is asked for again with the
 * same identifier, so that nothing is written twice. Returns the server's answer, or null if nobody wants to review.
 */
export async function decide(decision) {
  const reviewer = await askReviewer();
  if (!reviewer) return null;
  const body = { ...decision, id: newId(), reviewer };
  let answer;
  try {
    answer = await post("decisions", body);
  } catch (error) {
    if (error.status !== 0) throw error;
    answer = await post("decisions", body);
  }
  tell(answer);
  return answer;
}

/** What a decision would change; nothing is written. null if nobody wants to review. */
export async function previewOf(decision) {
  const reviewer = await askReviewer();
  return reviewer ? post("decisions/preview", { ...decision, reviewer }) : null;
}

/** Withdraw the last own decision; the decision, or null if there is none. */
export async function undo() {
  const reviewer = await askReviewer();
  if (!reviewer) return null;
  const { withdrawn } = await post("decisions/undo", { reviewer });
  if (withdrawn) tell({ decision: withdrawn, undone: true });
  return withdrawn;
}

/** What a decision changes, in words. */
export function changesInWords({ decision, changes, kept, elsewhere }) {
  const of = (number, what) => (number ? [`${count(number)} ${what}`] : []);
  const parts = [
    ...of(changes.first, "new"),
    ...of(changes.changed, "changed"),
    ...of(changes.lost, "gone"),
    ...of(changes.conflicts, "in conflict with another reviewer"),
  ];
  const said = [`${decision.words}.`, `Final words on events: ${parts.join(", ") || "none changes"}.`];
  if (kept) said.push(`Left as they are, because you have looked at them one by one: ${events(kept)}.`);
  if (elsewhere) said.push(`Left as they are, because they are not reviewed as this class: ${events(elsewhere)}.`);
  return said.join(" ");
}

/** When decisions take effect, in words. */
export const WHEN = "The reviewed classes change at once; labels change after training again.";

/** Ask whether a decision is meant, with what it changes. Resolves to true or false. */
export function confirmed(title, words, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = h("dialog", { "aria-label": title },
      h("h2", {}, title),
      words.filter(Boolean).map((text) => h("p", {}, text)),
      h("p", {},
        h("button", { type: "button", autofocus: true, onclick: () => { answer = true; dialog.close(); } }, yes), " ",
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Do something; if the server refuses it, say why. Returns null then. */
export async function doing(action) {
  say("", { trouble: true });
  try {
    return await action();
  } catch (error) {
    say(error.message, { trouble: true });
    return null;
  }
}
