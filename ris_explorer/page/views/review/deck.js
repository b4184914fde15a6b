// The events to be reviewed, one after another: what is shown, what was before, and decisions about them.

import { get } from "../../api/api.js";
import { state } from "../../state/state.js";
import { decide, doing, undo } from "../parts/decide.js";
import { say } from "../parts/elements.js";
import { reviewer } from "../parts/reviewer.js";
import { askClassName } from "./class_name.js";

const AHEAD = 10;
const WAIT_MS = 1000;
const MOST_BEFORE = 200;

export class Deck {
  constructor() {
    /** The event that is shown, as /api/queue gives it; null if there is none. */
    this.shown = null;
    /** Events after it. */
    this.coming = [];
    /** Answer of /api/queue, or {error}. */
    this.answer = null;
    /** The summary of the reviews, with the classes and their keys. */
    this.reviews = null;
    /** Text of the note of the next decision. */
    this.note = "";
    this.before = [];
    this.skipped = new Set();
    this.listeners = [];
    this.busy = false;
  }

  /** Call `listener` when something else is to be shown. */
  onChange(listener) {
    this.listeners.push(listener);
  }

  /** Start anew: another reviewer, or second opinions. */
  begin() {
    Object.assign(this, { shown: null, coming: [], answer: null, before: [], skipped: new Set(), note: "" });
    this.#changed();
    return this.fill();
  }

  /** Ask for the next events, and for the classes. */
  async fill() {
    if (!reviewer()) return;
    clearTimeout(this.waiting);
    const second = state.get("second") === "yes";
    const asked = { reviewer: reviewer(), count: AHEAD + this.skipped.size, skipped: this.skipped.size };
    try {
      const [answer, reviews] = await Promise.all([
        get("queue", second ? { ...asked, count: 200, second: "yes" } : asked),
        get("reviews", { reviewer: reviewer() }),
      ]);
      this.answer = answer;
      this.reviews = reviews;
      this.coming = answer.items.filter(({ event_id: name }) => !this.skipped.has(name) && name !== this.shown?.event_id);
      if (!this.shown) this.#next();
      if (answer.working && this.coming.length < AHEAD) this.waiting = setTimeout(() => this.fill(), WAIT_MS);
    } catch (error) {
      this.answer = { error, items: [] };
    }
    this.#changed();
  }

  /** Decide by the key of a class. */
  async decideByKey(key) {
    const found = this.reviews?.classes.find((each) => each.key === key);
    if (found) await this.decide(found.name);
    else say(`No class has the key ${key}.`);
  }

  /** Write a decision about the event that is shown, and go on. */
  async decide(className) {
    const shown = this.shown;
    if (!shown) return;
    if (this.busy) {
      say("The decision before is still being written: press again.");
      return;
    }
    this.busy = true;
    const written = await doing(() =>
      decide({
        kind: "label", event_ids: [shown.event_id], class_name: className, reason: shown.reason, bulk: false,
        model: shown.blind ? "" : shown.model ?? "", note: this.note,
      }),
    );
    this.busy = false;
    if (!written) return;
    say(`${written.decision.class_name}: written`);
    shown.said = written.decision.class_name;
    this.note = "";
    this.#leave();
    await this.fill();
  }

  /** Ask for a class by its name, then decide. */
  async askName() {
    if (!this.shown || this.busy) return;
    const name = await askClassName(this.shown, this.reviews?.classes ?? []);
    if (name) await this.decide(name);
  }

  /** Take back the last own decision and show its event again. */
  async undo() {
    if (this.busy) return;
    this.busy = true;
    const taken = await doing(undo);
    this.busy = false;
    if (!taken) {
      say("There is nothing of yours to take back.");
      return;
    }
    say(`taken back: ${taken.words}`);
    if (taken.kind === "label" && taken.events === 1) {
      const [name] = taken.event_ids;
      const known = this.before.find((each) => each.event_id === name);
      this.before = this.before.filter((each) => each !== known);
      this.#show({ ...(known ?? { event_id: name, reason: taken.reason, words: "taken back", blind: ["audit", "second"].includes(taken.reason) }), said: "" });
      this.note = taken.note;
    }
    await this.fill();
  }

  /** Go on without a decision; the event is not shown again until the page is loaded anew. */
  async skip() {
    if (!this.shown || this.busy) return;
    this.skipped.add(this.shown.event_id);
    this.#leave();
    this.#changed();
    await this.fill();
  }

  /** Show the event before again; another decision about it stands above the former one. */
  back() {
    const last = this.before.pop();
    if (last) this.#show(last);
    else say("There is no event before this one.");
    this.#changed();
  }

  #show(item) {
    if (this.shown) this.coming.unshift(this.shown);
    this.shown = item;
  }

  #leave() {
    this.before.push(this.shown);
    if (this.before.length > MOST_BEFORE) this.before.shift();
    this.shown = null;
    this.#next();
  }

  #next() {
    const gone = new Set(this.before.map(({ event_id: name }) => name));
    this.coming = this.coming.filter(({ event_id: name }) => !gone.has(name));
    this.shown = this.coming.shift() ?? null;
  }

  #changed() {
    for (const listener of this.listeners) listener(this);
  }
}
