// The list of models: what they are, rank and criteria, and where MLflow shows their training.

import { state } from "../../state/state.js";
import { h } from "../parts/elements.js";
import { number } from "../parts/formats.js";

const ROLES = {
  champion: "champion: it labels now",
  beside: "beside the class model that labels",
  former: "former champion",
  candidate: "candidate",
};
const CRITERIA = [
  ["agreement", "agreement", "Mean adjusted Rand index with the other candidates"],
  ["hour_ami", "hour", "Adjusted mutual information with the hour of the day, within stations"],
  ["amplitude_ami", "amplitude", "The same with the amplitude; no merit"],
  ["same_source", "same source", "Same cluster at two stations for events of one source, beyond chance"],
  ["stability", "stability", "Mean adjusted Rand index with clusters of bootstraps"],
  ["silhouette", "silhouette", "Mean silhouette in data space"],
];

/** "spectra/gmm, K = 6, champion (0123ab)". */
export function modelTitle(model) {
  if (!model.candidate) return model.name;
  const role = { champion: "champion", beside: "beside the champion" }[model.role] ?? ROLES[model.role];
  return `${model.candidate}, K = ${model.k}, ${role} (${model.digest.slice(0, 6)})`;
}

/** The table of models, with buttons that choose one; `leftOut`: reasons by place. */
export function modelTable(models, leftOut) {
  const choose = (name, model) =>
    h("button", { type: "button", "aria-label": `Compare as the model ${name}: ${modelTitle(model)}`,
      onclick: () => state.set({ [name]: model.name, cell: null, changes: null }) }, name);
  const reasons = Object.entries(leftOut);
  return h("div", {},
    h("table", {},
      h("thead", {}, h("tr", {}, ["model", "K", "role", "rank"].map((title) => h("th", { scope: "col" }, title)),
        CRITERIA.map(([, title, about]) => h("th", { scope: "col", title: about }, title)),
        h("th", { scope: "col" }, "training"), h("th", { scope: "col" }, "compare as"))),
      h("tbody", {}, models.map((model) => h("tr", { class: model.role === "champion" ? "comparison-champion" : null },
        h("th", { scope: "row" }, model.candidate, h("span", { class: "absent" }, ` ${model.digest.slice(0, 6)}`)),
        h("td", {}, String(model.k)), h("td", {}, ROLES[model.role]),
        h("td", {}, model.rank ? `${model.rank}${model.proposed ? "" : " (other K)"}` : "–"),
        CRITERIA.map(([name]) => h("td", {}, Number.isFinite(model.criteria[name]) ? number(model.criteria[name]) : "–")),
        h("td", {}, model.address ? h("a", { href: model.address, target: "_blank", rel: "noopener" }, "MLflow") : "–"),
        h("td", { class: "comparison-choose" }, choose("before", model), choose("after", model))))),
    ),
    h("p", { class: "absent" }, "Rank and criteria are those of the ranking of candidates (docs/champion.md); – where a model was not ranked or has none. "
      + "The rule orders models and does not say that the first is good."),
    reasons.length ? h("details", {}, h("summary", {}, `${reasons.length} left out`),
      h("ul", {}, reasons.map(([place, why]) => h("li", {}, `${place}: ${why}`)))) : null);
}
