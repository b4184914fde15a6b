// The event that is to be reviewed, large, why it is shown, and the reviewed events that it resembles.

import { fill, h } from "../parts/elements.js";
import { count, number } from "../parts/formats.js";
import { thumbnail } from "../parts/thumbnail.js";
import { ahead, eventPicture } from "./picture.js";

/** Build the view in `root`. */
export function mountShown(root, app, deck) {
  const about = h("p", { class: "review-about", "aria-live": "polite" });
  const picture = eventPicture();
  const near = h("div", { class: "review-near" });
  const queue = h("p", { class: "absent" });
  root.append(about, h("div", { class: "review-picture" }, picture.element), near, queue);
  let drawn = "";
  let pictured = "";
  deck.onChange(() => {
    fill(queue, queueInWords(deck));
    const item = deck.shown;
    fill(about, item ? aboutOf(item) : whyNothing(deck));
    const now = item ? `${item.event_id} ${item.nearest?.length ?? 0}` : "";
    if (now === drawn) return;
    drawn = now;
    fill(near, item ? context(app, item) : null);
    const before = pictured;
    pictured = item?.event_id ?? "";
    if (!item) picture.clear();
    else if (before !== pictured) picture.show(item.event_id).then(() => {
      for (const next of deck.coming.slice(0, 2)) ahead(next.event_id);
    });
  });
}

function aboutOf(item) {
  const said = item.said ? ` You said: ${item.said}; a new decision replaces it.` : "";
  if (item.blind) return [h("strong", {}, item.event_id), ` · ${item.words}. What a model or others say of it is not shown.${said}`];
  const model = item.suggested ? ` Trees of all reviews until now say: ${item.suggested} (${number(item.probability * 100, 2)} % of them).` : "";
  return [h("strong", {}, item.event_id), ` · ${item.words}.${model}${said}`];
}

function whyNothing({ answer }) {
  if (!answer) return "Who reviews is not known yet, or the queue is asked for.";
  if (answer.error) return h("span", { class: answer.error.absent ? "absent" : "trouble" }, answer.error.message);
  if (answer.working) return "The queue is being worked out; this takes seconds.";
  return "There is nothing more to show.";
}

function queueInWords({ answer, coming }) {
  if (!answer || answer.error) return "";
  const parts = [`${count(coming.length)} more at hand`];
  if (answer.pool) parts.push(`chosen among ${count(answer.pool)} events of the training set, audits among all ${count(answer.of)}`);
  if (answer.working) parts.push("the next ones are being worked out");
  if (answer.damaged.length) parts.push(`left out: ${answer.damaged.join("; ")}`);
  if (answer.trouble) parts.push(answer.trouble);
  return `${parts.join("; ")}.`;
}

function context(app, item) {
  if (item.blind) return null;
  if (!item.nearest?.length) return h("p", { class: "absent" }, "No reviewed event can be compared with it yet.");
  return [
    h("h3", {}, "Resembles most, of the reviewed events"),
    h("div", { class: "review-strip" }, item.nearest.map((each) =>
      thumbnail(app, each.event_id, {
        caption: `${each.class_name}, distance ${number(each.distance)}`,
        about: `Spectrogram and trace of ${each.event_id}, reviewed as ${each.class_name}`,
      }))),
  ];
}
