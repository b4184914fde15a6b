// The page Classes: what is known of each class, and what reviewers decide about it.

import { get } from "../api/api.js";
import { state } from "../state/state.js";
import { actionsOf, reviewedActions } from "./classes/actions.js";
import { sparkline } from "./classes/sparkline.js";
import { classColour, classMarker, classTitle } from "./parts/colours.js";
import { onDecided, WHEN } from "./parts/decide.js";
import { failed, fill, h } from "./parts/elements.js";
import { count, events, number, time } from "./parts/formats.js";
import { onTheme } from "./parts/theme.js";
import { thumbnail } from "./parts/thumbnail.js";
import { mountLog } from "./review/log.js";

const HEADS = ["class", "events", "most typical", "precision and recall (95 %)", "rate", "reviewed as", "what to decide"];

/** Build the view in `root`. */
export function mountClasses(root, app) {
  const about = h("p", {}, "Names, merges and splits are entries of the review log: nothing is edited in place, and each can be withdrawn. ", WHEN);
  const body = h("div", {}, h("p", { class: "absent" }, "The classes are being read."));
  const log = h("div", {});
  root.append(
    h("section", { class: "panel", "aria-label": "Classes" }, h("h2", {}, "Classes"), about, body),
    h("section", { class: "panel classes-log", "aria-label": "Decisions about classes" }, h("h2", {}, "Decisions about classes and groups of events"), log),
  );
  mountLog(log, app, null, { classes: "yes" });
  let shown = null;
  const show = () => { if (shown) fill(body, page(app, shown)); };
  const renew = async () => {
    try {
      shown = await get("classes");
      show();
    } catch (error) {
      shown = null;
      failed(body, error);
    }
  };
  app.onRenewed(renew);
  onDecided(renew);
  onTheme(show);
  renew();
}

function page(app, found) {
  const rows = found.classes.map((each) => row(app, found, each));
  return [
    found.rates.words ? h("p", { class: "absent" }, `No rates: ${found.rates.words}`) : null,
    h("div", { class: "classes-scroll", tabindex: "0", role: "region", "aria-label": "Table of the classes" },
      h("table", { class: "classes-table" }, h("thead", {}, h("tr", {}, HEADS.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows))),
    found.classes.length ? null : h("p", { class: "absent" }, "No event has a label yet."),
    ...(found.reviewed_only.length ? reviewedOnly(app, found) : []),
  ];
}

function row(app, found, each) {
  const show = (event) => {
    event.preventDefault();
    state.set({ view: "events", class: String(each.number) });
  };
  return h("tr", { "data-class": String(each.number) },
    h("th", { scope: "row" },
      h("span", { class: "classes-colour", style: { color: classColour(app, each.number) }, "aria-hidden": "true" }, classMarker(each.number)),
      " ", h("a", { href: `?class=${each.number}`, onclick: show }, classTitle(app, each.number)), notes(each.notes)),
    h("td", {}, count(each.events), h("div", { class: "absent" }, `clear: ${count(each.assigned)}`)),
    h("td", {}, h("div", { class: "classes-strip" }, each.typical.map((name) =>
      h("a", { href: `?event=${encodeURIComponent(name)}`, "aria-label": `Open event ${name}`, onclick: (event) => { event.preventDefault(); state.set({ view: "events", event: name }); } },
        thumbnail(app, name, { about: `Spectrogram and trace of ${name}, typical of ${classTitle(app, each.number)}` }))))),
    h("td", {}, scores(each.scores)),
    h("td", {}, each.rate ? sparkline(each.rate, found.rates, classTitle(app, each.number)) : h("span", { class: "absent" }, "not known")),
    h("td", {}, each.reviewed_as.length ? each.reviewed_as.map((one) => h("div", {}, `${one.name}: ${count(one.events)}`)) : h("span", { class: "absent" }, "not reviewed")),
    h("td", {}, actionsOf(app, each, found)));
}

function scores(known) {
  if (known.why_not) return h("span", { class: "absent" }, `not known: ${known.why_not}`);
  const share = (name, one) => h("div", {}, one.count
    ? `${name} ${number(one.value * 100, 2)} % (${number(one.low * 100, 2)} to ${number(one.high * 100, 2)} %)`
    : `${name} not known: no event`);
  return [share("precision", known.precision), share("recall", known.recall), h("div", { class: "absent" }, `of ${known.of}, by ${known.by}`)];
}

function notes(of) {
  if (!of.length) return null;
  return h("details", { class: "classes-notes" }, h("summary", {}, of.length === 1 ? "1 note" : `${of.length} notes`),
    of.map((one) => h("p", {}, one.note, h("span", { class: "absent" }, ` (${one.reviewer}, ${time(one.time)}${one.event ? `, of ${one.event}` : ""})`))));
}

function reviewedOnly(app, found) {
  return [
    h("h3", {}, "Reviewed classes that no label has"),
    h("p", { class: "absent" }, found.by_reviews
      ? "They have too few reviews to be a class of the model, or were named after its training."
      : "The champion does not know the reviews: its classes are clusters. Train again, so that a class model can label."),
    h("table", {}, h("thead", {}, h("tr", {}, ["class", "reviewed", "what to decide"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, found.reviewed_only.map((each) => h("tr", { "data-reviewed": each.name },
        h("th", { scope: "row" }, each.name, notes(each.notes)), h("td", {}, events(each.reviewed)), h("td", {}, reviewedActions(app, each.name, found)))))),
  ];
}
