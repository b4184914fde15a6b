// How far the reviews are, how well reviewers agree, and what the class model is worth.

import { get } from "../../api/api.js";
import { state } from "../../state/state.js";
import { onDecided } from "../parts/decide.js";
import { failed, fill, h } from "../parts/elements.js";
import { count, events, number } from "../parts/formats.js";

const percent = (share) => `${number(share * 100, 3)} %`;
const between = (low, high) => `${percent(low)} to ${percent(high)}`;

/** Build the view in `root`. */
export function mountProgress(root, app, deck) {
  const numbers = h("div", {});
  const model = h("div", {});
  const others = h("div", {});
  root.append(numbers, model, others);
  const renew = async () => {
    try {
      const found = await get("reviews/progress");
      fill(model, accuracy(found.model));
      fill(others, agreement(found.agreement), conflicts(found));
    } catch (error) {
      failed(model, error);
    }
  };
  deck.onChange(() => fill(numbers, deck.reviews ? summary(deck.reviews) : h("p", { class: "absent" }, "Nothing is known yet.")));
  app.onRenewed(renew);
  onDecided(renew);
  renew();
}

function summary(found) {
  const parts = [
    found.reviewers.length ? `${events(found.reviewed)} reviewed by ${found.reviewers.join(", ")}:` : "No event is reviewed yet:",
    `audits ${count(found.audits)}, in bulk ${count(found.bulk)}, simulated ${count(found.simulated)};`,
    `besides unsure ${count(found.unsure)}, in conflict ${count(found.conflicts)}.`,
  ];
  const mine = `You: ${events(found.mine)}, ${count(found.today)} of them today (since midnight UTC).`;
  return [
    h("p", {}, parts.join(" ")), h("p", {}, mine),
    found.trouble.map((text) => h("p", { class: "trouble" }, text)),
    found.without_effect.length ? h("p", { class: "trouble" }, `Without effect: ${count(found.without_effect.length)} of the decisions; the log names them.`) : null,
  ];
}

function accuracy(model) {
  const since = `${events(model.since)} reviewed, changed or withdrawn since its training.`;
  const heads = ["audits more", "audits then", "interval (95 %) then"];
  const rows = model.outlook.map((row) => h("tr", {}, h("td", {}, count(row.more)), h("td", {}, count(row.audits)), h("td", {}, between(row.low, row.high))));
  const stays = model.presumed === null ? "the share of right audits stays as it is" : `${percent(model.presumed)} of them turn out right`;
  return [
    h("h3", {}, "Expected accuracy of the class model"),
    model.trained ? h("p", {}, accuracyInWords(model)) : h("p", { class: "absent" }, `Not known: ${model.words}.`),
    model.trained ? h("p", {}, since) : null,
    model.limits.map((text) => h("p", { class: "absent" }, `What cannot be said: ${text}.`)),
    h("details", {}, h("summary", {}, "What more audits would bring"),
      h("p", {}, `The interval of the accuracy (Clopper & Pearson) if ${stays}. It says how exactly the accuracy would be known, not whether the model becomes better.`),
      h("table", {}, h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows))),
  ];
}

function accuracyInWords({ audit_accuracy: audits, cv_weighted_accuracy: weighted, simulated }) {
  const said = audits.count
    ? `${percent(audits.value)} (95 %: ${between(audits.low, audits.high)}) by ${count(audits.count)} audits, drawn at random.`
    : "Not known by audits: there are none yet.";
  const other = weighted === null ? "" : ` By cross-validation of all reviews, weighted: ${percent(weighted)}.`;
  return `${said}${other}${simulated ? " Simulated reviews are among those of its training." : ""}`;
}

function agreement(pairs) {
  const heading = h("h3", {}, "Agreement of reviewers");
  if (!pairs.length) return [heading, h("p", { class: "absent" }, "Not known: no two persons have reviewed one event. Turn on second opinions.")];
  const cell = (row) => (row.kappa === null ? "not defined" : `${number(row.kappa, 2)} (95 %: ${row.low === null ? "unknown" : `${number(row.low, 2)} to ${number(row.high, 2)}`})`);
  const line = (row, who) => h("tr", {}, h("td", {}, who), h("td", {}, row.class_name), h("td", {}, `${count(row.both_say)} of ${count(row.events)}`), h("td", {}, cell(row)));
  return [heading, h("table", {},
    h("thead", {}, h("tr", {}, ["reviewers", "class", "both say", "Cohen's κ"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, pairs.flatMap((row) => [line(row, `${row.first}, ${row.second}`), ...row.by_class.map((each) => line(each, ""))])))];
}

function conflicts({ conflicts: shown, conflicting }) {
  if (!conflicting) return null;
  const one = ({ event_id: name, words }) => h("li", {},
    h("a", { href: `?view=events&event=${encodeURIComponent(name)}`, onclick: (event) => { event.preventDefault(); state.set({ view: "events", event: name }); } }, name),
    `: ${words.map(({ reviewer, class_name: said }) => `${reviewer} says ${said}`).join(", ")}`);
  const more = conflicting > shown.length ? h("p", {}, `${count(conflicting - shown.length)} more are not listed.`) : null;
  return [h("h3", {}, `In conflict: ${events(conflicting)}`), h("p", {}, "No model is trained on them until one of the reviewers changes their word."), h("ul", {}, shown.map(one)), more];
}
