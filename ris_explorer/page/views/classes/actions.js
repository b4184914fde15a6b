// What reviewers can decide about a class; each button opens a dialog that says beforehand what changes.

import { get } from "../../api/api.js";
import { state } from "../../state/state.js";
import { inWords } from "../filter/words.js";
import { classTitle } from "../parts/colours.js";
import { changesInWords, confirmed, decide, doing, previewOf, WHEN } from "../parts/decide.js";
import { h, say } from "../parts/elements.js";
import { count } from "../parts/formats.js";
import { askFor } from "./ask.js";

const TYPICAL = 100;
const MOST = 20000;
const BULK = "It is one decision that is marked as bulk: the events were not looked at one by one, and no accuracy is worked out from them.";

/** Buttons for a class of the catalogue. */
export function actionsOf(app, each, found) {
  if (each.review_class) return reviewedActions(app, each.review_class, found, each);
  const title = classTitle(app, each.number);
  return menu(title, [
    ["Name it", () => nameCluster(title, each)],
    ["It is noise", () => nameCluster(title, each, "noise")],
    ["Not an event", () => nameCluster(title, each, "not an event")],
    ["Name the selection", () => nameSelection(app, title, each)],
  ]);
}

/** Buttons for a class that reviewers have named; `each` is the class of the catalogue with this name, if there is one. */
export function reviewedActions(app, name, found, each = null) {
  const buttons = [
    ["Rename", () => rename(name)],
    ["Merge", () => merge(name, found)],
    ["It is noise", () => become(name, "noise")],
    ["Not an event", () => become(name, "not an event")],
    ["Split off the selection", () => split(app, name, each)],
  ];
  if (each) buttons.push(["Add a note", () => addNote(name, each)]);
  return menu(name, buttons.filter(([text]) => !(name === "noise" && text === "It is noise") && !(name === "not an event" && text === "Not an event")));
}

const menu = (name, buttons) =>
  h("div", { class: "classes-actions", role: "group", "aria-label": `Decide about ${name}` },
    buttons.map(([text, act]) => h("button", { type: "button", "aria-label": `${text}: ${name}`, onclick: act }, text)));

/** Say what a decision changes, ask whether it is meant, write it. */
async function carefully(title, decision, words = []) {
  await doing(async () => {
    const preview = await previewOf(decision);
    if (!preview) return;
    const more = preview.new_class && preview.like ? `There is “${preview.like}” already: is it a typing error?` : "";
    if (!(await confirmed(title, [changesInWords(preview), ...words, more, WHEN], "Write it"))) return;
    const written = await decide(decision);
    if (written) say(`${written.decision.words}: written. It can be withdrawn in the list below.`);
  });
}

async function rename(name) {
  const asked = await askFor(`Rename ${name}`, [{ name: "called", label: "New name", value: name }, { name: "note", label: "Note" }]);
  if (asked) await carefully(`Rename ${name}`, { kind: "rename", former: [name], class_name: asked.called, note: asked.note }, ["The words of all reviewers change."]);
}

async function merge(name, found) {
  const others = [...found.classes.map((each) => each.review_class), ...found.reviewed_only.map((each) => each.name)]
    .filter((other) => other && other !== name);
  if (!others.length) {
    say("There is no other reviewed class to merge with.");
    return;
  }
  const asked = await askFor(`Merge ${name} with another class`, [
    { name: "other", label: "The other class", options: others },
    { name: "called", label: "What both are called", value: name },
    { name: "note", label: "Note" },
  ]);
  if (!asked) return;
  await carefully(`Merge ${name} and ${asked.other}`, { kind: "merge", former: [name, asked.other], class_name: asked.called, note: asked.note },
    ["The words of all reviewers change. Only a withdrawal can tell both apart again."]);
}

async function become(name, special) {
  await carefully(`All of ${name} is ${special}`, { kind: "merge", former: [name], class_name: special },
    [`The words of all reviewers change from ${name} to ${special}.`]);
}

async function split(app, name, each) {
  const filter = state.filter(each ? { class: String(each.number) } : {});
  const asked = await askFor(`Split off a part of ${name}`, [{ name: "called", label: "Name of the part" }, { name: "note", label: "Note" }],
    `The part are the reviewed events of ${name} that pass the present filter of the page Events: ${filterInWords(app, filter)}.`);
  if (asked) await carefully(`Split off a part of ${name}`, { kind: "split", former: [name], class_name: asked.called, filter: filter.toString(), note: asked.note }, ["The words of all reviewers on them change."]);
}

async function addNote(name, each) {
  const event = each.typical[0];
  const asked = await askFor(`Note on ${name}`, [{ name: "note", label: "Note" }],
    `A note stands beside a decision. It is written with your word that the most typical event, ${event}, is ${name}: look at it first.`);
  if (asked) await carefully(`Note on ${name}`, { kind: "label", event_ids: [event], class_name: name, note: asked.note, bulk: false });
}

/** Name the clear members of a class that no reviewer has named. */
async function nameCluster(title, each, special = "") {
  const all = `all ${count(each.assigned)} clear members`;
  const few = `the ${count(Math.min(TYPICAL, each.assigned))} most typical clear members that nobody has reviewed`;
  const fields = [{ name: "which", label: "Which events", options: each.assigned > MOST ? [few] : [few, all] }, { name: "note", label: "Note" }];
  if (!special) fields.unshift({ name: "called", label: "What they are" });
  const asked = await askFor(`Clear members of ${title}`, fields,
    "No reviewer has named this class: it is a cluster, whose name in tables is that of `champion.names` in the settings file, which is not changed here. What you say becomes the word on its events; after training again a class model can label with it.");
  if (!asked) return;
  const called = special || asked.called;
  await doing(async () => {
    const which = asked.which === all
      ? { filter: new URLSearchParams({ class: String(each.number), assigned: "yes" }).toString() }
      : { event_ids: (await get(`classes/${each.number}/typical`, { count: TYPICAL })).event_ids, bulk: true };
    await carefully(`Clear members of ${title}`, { kind: "label", class_name: called, note: asked.note, ...which }, [BULK]);
  });
}

async function nameSelection(app, title, each) {
  const filter = state.filter({ class: String(each.number) });
  const asked = await askFor(`The selection of ${title}`, [{ name: "called", label: "What they are" }, { name: "note", label: "Note" }],
    `These are the events that pass the present filter of the page Events: ${filterInWords(app, filter)}.`);
  if (asked) await carefully(`The selection of ${title}`, { kind: "label", class_name: asked.called, filter: filter.toString(), note: asked.note }, [BULK]);
}

const filterInWords = (app, filter) => [...filter].map(([name, value]) => inWords(app, name, value)).join(", ") || "all events";
