// The last decisions of the review log, each of which can be withdrawn.

import { get } from "../../api/api.js";
import { decide, doing, onDecided } from "../parts/decide.js";
import { failed, fill, h, say } from "../parts/elements.js";
import { count, time } from "../parts/formats.js";

const FEW = 20;
const MANY = 500;

/** Build the view in `root`; `which` narrows the decisions (parameters of /api/decisions). */
export function mountLog(root, app, deck = null, which = {}) {
  const notes = h("input", { type: "checkbox", onchange: () => renew() });
  const many = h("input", { type: "checkbox", onchange: () => renew() });
  const body = h("div", {});
  root.append(h("p", {}, h("label", {}, notes, " with a note"), " ", h("label", {}, many, ` up to ${MANY}`)), body);
  const renew = async () => {
    try {
      const found = await get("decisions", { count: many.checked ? MANY : FEW, notes: notes.checked ? "yes" : "", ...which });
      fill(body, found.decisions.length ? table(found) : h("p", { class: "absent" }, "There are no such decisions yet."));
    } catch (error) {
      failed(body, error);
    }
  };
  app.onRenewed(renew);
  onDecided(renew);
  renew();
}

function table({ decisions, of }) {
  const heads = ["time", "reviewer", "decision", "note", "withdraw"];
  const row = (each) => h("tr", { class: each.withdrawn ? "review-withdrawn" : null },
    h("td", {}, time(each.time)),
    h("td", {}, each.reviewer),
    h("td", {}, `${each.words}${each.bulk ? " (bulk)" : ""}`,
      each.withdrawn ? " · withdrawn" : "", each.without_effect ? h("span", { class: "trouble" }, ` · without effect: ${each.without_effect}`) : ""),
    h("td", {}, each.note),
    h("td", {}, each.withdrawn ? "" : h("button", { type: "button", "aria-label": `Withdraw: ${each.words}`, onclick: () => withdraw(each) }, "withdraw")));
  return [
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, decisions.map(row))),
    h("p", { class: "absent" }, `${count(decisions.length)} of ${count(of)} decisions. Nothing in the log is ever changed: a withdrawal is an entry of its own, and can be withdrawn.`),
  ];
}

async function withdraw(each) {
  const written = await doing(() => decide({ kind: "withdraw", withdrawn: [each.id] }));
  if (written) say(`withdrawn: ${each.words}`);
}
