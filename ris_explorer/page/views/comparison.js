// The page Models: two models side by side.

import { get, onlyLatest, post } from "../api/api.js";
import { state } from "../state/state.js";
import { mountChanges } from "./comparison/changes.js";
import { crossTable } from "./comparison/cross_table.js";
import { modelTable, modelTitle } from "./comparison/models.js";
import { inWords } from "./filter/words.js";
import { failed, fill, h } from "./parts/elements.js";
import { count, events, number } from "./parts/formats.js";
import { onTheme } from "./parts/theme.js";

const PROGRESS_EVERY_MS = 1000;

/** Build the view in `root`. */
export function mountComparison(root, app) {
  const choosers = ["before", "after"].map((name) =>
    h("select", { id: `comparison-${name}`, onchange: (event) => choose({ [name]: event.target.value }) }),
  );
  const swap = h("button", { type: "button", onclick: () => choose({ before: state.get("after"), after: state.get("before") }) }, "Swap");
  const result = h("div", { class: "comparison-result" });
  const list = h("div", { class: "comparison-list" });
  const changes = h("section", { class: "panel comparison-changes", "aria-label": "Events that changed", hidden: true });
  const showChanges = mountChanges(changes, app);
  fill(root,
    h("form", { class: "panel comparison-choice", onsubmit: (event) => event.preventDefault() },
      h("label", { for: "comparison-before" }, "Model before"), choosers[0],
      h("label", { for: "comparison-after" }, "Model after"), choosers[1], swap),
    result,
    changes,
    h("details", { class: "panel", open: true }, h("summary", {}, "All models"), list),
  );
  let models = [];
  const latest = onlyLatest();

  function choose(patch) {
    state.set({ ...patch, cell: null, changes: null });
  }

  async function showModels() {
    let found;
    try {
      found = await get("comparison/models");
    } catch (error) {
      failed(result, error);
      return;
    }
    models = found.models;
    for (const [index, chooser] of choosers.entries()) {
      fill(chooser, h("option", { value: "" }, models.length ? "choose a model" : "no model"),
        models.map((model) => h("option", { value: model.name }, modelTitle(model))));
      chooser.value = state.get(["before", "after"][index]);
    }
    fill(list, modelTable(models, found.left_out));
    if (!state.get("before") && !state.get("after") && models.length > 1) {
      const [after] = models;
      const before = models.find(({ role }) => role === "beside") ?? models.find(({ role }) => role === "former") ?? models[1];
      state.set({ before: before.name, after: after.name }, { replace: true });
    } else {
      compare();
    }
  }

  async function compare() {
    const [before, after] = [state.get("before"), state.get("after")];
    for (const [index, chosen] of [before, after].entries()) choosers[index].value = chosen;
    showChanges(null);
    swap.disabled = !before || !after;
    if (!models.length) {
      fill(result, h("p", { class: "absent" }, "There is no model yet: `ris run` trains some and chooses the one that labels."));
      return;
    }
    if (!before || !after) {
      fill(result, h("p", { class: "absent" }, models.length > 1
        ? "Choose two models." : "There is one model only; there is nothing to compare it with until another is trained."));
      return;
    }
    if (!result.hasChildNodes()) fill(result, h("p", { role: "status" }, "Comparing the labels of both models."));
    try {
      const found = await latest((signal) => get("comparison", { before, after, ...Object.fromEntries(state.filter()) }, signal));
      if (found === undefined) return;
      if (found.lacking) showLacking(found.lacking);
      else show(found);
    } catch (error) {
      failed(result, error);
    }
  }

  function showLacking(names) {
    const called = names.map((name) => modelTitle(models.find((model) => model.name === name) ?? { name }));
    const told = h("p", { role: "status" });
    const start = h("button", { type: "button", class: "comparison-label" }, "Label the events");
    start.addEventListener("click", async () => {
      start.disabled = true;
      try {
        follow(await post("comparison/labels", { models: names }), told, start);
      } catch (error) {
        start.disabled = false;
        fill(told, h("span", { class: "trouble" }, error.message));
      }
    });
    fill(result, h("div", { class: "panel" },
      h("p", {}, `The labels by ${called.join(" and by ")} are not at hand. They can be made in the background: of at most `
        + "20,000 events of the training set and of the reviewed events, or taken from the label tables. They are kept for later."),
      start, told));
    get("comparison/labels").then((now) => { if (now.models.length) follow(now, told, start); }, () => {});
  }

  function follow(now, told, start) {
    if (!told.isConnected) return;
    start.disabled = now.models.length > 0;
    if (now.error) {
      fill(told, h("span", { class: "trouble" }, now.error));
    } else if (!now.models.length) {
      compare();
    } else {
      const model = models.find(({ name }) => name === now.now);
      told.textContent = `${model ? modelTitle(model) : "A model"} labels: `
        + (now.of ? `${count(now.done)} of ${events(now.of)}` : "it is being opened");
      setTimeout(async () => {
        try {
          follow(await get("comparison/labels"), told, start);
        } catch (error) {
          fill(told, h("span", { class: "trouble" }, error.message));
          start.disabled = false;
        }
      }, PROGRESS_EVERY_MS);
    }
  }

  function show(found) {
    const pair = ["before", "after"].map((name) => models.find((model) => model.name === state.get(name)));
    const filter = [...state.filter()].map(([name, value]) => inWords(app, name, value));
    fill(result,
      h("div", { class: "panel comparison-summary" },
        h("p", { class: "comparison-total" }, found.events
          ? `${events(found.changed)} of ${count(found.events)} changed class (${share(found.changed, found.events)})`
          : "No event to compare"),
        h("p", {}, `Adjusted Rand index ${number(found.adjusted_rand)}, normalised mutual information ${number(found.mutual_information)}`,
          h("span", { class: "absent" }, " (1: the same classes apart from their numbers; 0: as by chance)")),
        found.accuracy.map((accuracy, index) => h("p", {}, `${pair[index] ? modelTitle(pair[index]) : ""}: `, accuracyWords(accuracy))),
        found.notes.map((note) => h("p", { class: "absent" }, note)),
        filter.length ? h("p", {}, `Filter: ${filter.join("; ")}. `,
          h("button", { type: "button", onclick: () => state.clear() }, "Clear the filter")) : null),
      h("div", { class: "panel comparison-table" }, found.events ? crossTable(found) : h("p", { class: "absent" }, "No event has a label by both models and passes the filter.")));
    showChanges(found);
  }

  state.on(["before", "after", "filter"], () => state.get("view") === "comparison" && compare());
  state.on(["view"], () => state.get("view") === "comparison" && showModels());
  app.onRenewed(() => state.get("view") === "comparison" && showModels());
  onTheme(compare);
  showModels();
}

const share = (part, all) => (all ? `${number((100 * part) / all)} %` : "");

function accuracyWords({ all, audits }) {
  const parts = [all, audits].filter((each) => each && each.value !== null && each.value !== undefined);
  if (!parts.length) return "no reviewed event says how often it is right";
  const percent = (value) => number(100 * value, 2);
  const said = parts.map((each) => {
    const known = each.low !== null && each.low !== undefined;
    const interval = known ? ` (95 % interval ${percent(each.low)} to ${percent(each.high)} %)` : "";
    return `${percent(each.value)} %${interval} of ${count(each.count)} ${each.about}`;
  });
  return `right for ${said.join("; ")}`;
}
