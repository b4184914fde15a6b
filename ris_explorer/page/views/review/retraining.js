// The button that asks Dagster to train the class model again, and how far this is.

import { get, post } from "../../api/api.js";
import { askReviewer } from "../parts/reviewer.js";
import { doing } from "../parts/decide.js";
import { failed, fill, h } from "../parts/elements.js";
import { count, time } from "../parts/formats.js";

const AT_WORK_MS = 3000;
const OTHERWISE_MS = 20000;

/** Build the view in `root`. */
export function mountRetraining(root) {
  const body = h("div", { "aria-live": "polite" });
  root.append(body);
  let timer = 0;
  const show = (found) => {
    fill(body, retraining(found, begin));
    clearTimeout(timer);
    timer = setTimeout(renew, ["queued", "running"].includes(found.state) ? AT_WORK_MS : OTHERWISE_MS);
  };
  const renew = async () => {
    if (document.hidden || !root.checkVisibility()) {
      timer = setTimeout(renew, AT_WORK_MS);
      return;
    }
    try {
      show(await get("retrain"));
    } catch (error) {
      failed(body, error);
      timer = setTimeout(renew, OTHERWISE_MS);
    }
  };
  const begin = async () => {
    if (!(await askReviewer())) return;
    const found = await doing(() => post("retrain", {}));
    if (found) show(found);
    else renew();
  };
  renew();
}

function retraining(found, begin) {
  return [
    h("p", {}, h("button", { type: "button", disabled: !found.may_begin, onclick: begin }, "Retrain"),
      " trains the class model on all reviews, lets it be champion if it may, and labels all events with it."),
    found.words && !found.why_not?.includes(found.words) ? h("p", { class: found.state === "failed" ? "trouble" : null }, found.words) : null,
    found.may_begin ? null : h("p", { class: "absent" }, withCommand(found)),
    found.steps.length ? h("ul", {}, found.steps.map(step)) : null,
    labels(found.labels),
  ];
}

/** Why it cannot begin; the command that does the same stands out where it is named. */
function withCommand({ why_not: words, command }) {
  const [before, ...after] = words.split(command);
  return after.length ? [before, h("code", {}, command), after.join(command)] : words;
}

function step(each) {
  const runs = each.runs > 1 ? ` (${count(each.done)} of ${count(each.runs)} runs)` : "";
  const words = `${each.about}: ${each.state}${runs}${each.error ? `, ${each.error}` : ""}`;
  return h("li", {}, each.link ? h("a", { href: each.link, target: "_blank", rel: "noopener" }, words) : words);
}

function labels(found) {
  if (found.words) return h("p", { class: "absent" }, found.words);
  const kind = found.reviewed ? "the class model" : "a model without reviews";
  const all = found.by_champion === found.station_days ? "all" : `${count(found.by_champion)} of`;
  return h("p", {}, `The champion is ${kind} ${found.candidate} (${found.model_version}), its record is of ${time(found.chosen)}; it has labelled ${all} ${count(found.station_days)} station-days.`);
}
