// The answer that a view shows, kept up to date: asked for while the view is shown, and again while the server is still
// reading live time.

import { onlyLatest } from "../../api/api.js";
import { failed, fill, h } from "./elements.js";
import { whenShown } from "./when_shown.js";

const ASK_AGAIN_MS = 1500;
const SOON_MS = 60;

/**
 * Ask now. `load(signal)` gives `{answer, …}`, `take` gets it; `trouble` is the element that says why there is none.
 * Returns `now` and `soon`, which ask again; of several `soon` in a row one asks.
 */
export function keptAnswer(root, trouble, load, take) {
  const latest = onlyLatest();
  let timer = 0;
  const ask = async () => {
    clearTimeout(timer);
    try {
      const found = await latest(load);
      if (!found) return;
      fill(trouble);
      take(found);
      if (found.answer.live.reading) timer = setTimeout(ask, ASK_AGAIN_MS);
    } catch (error) {
      failed(trouble, error);
    }
  };
  const now = whenShown(root, ask);
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(now, SOON_MS);
  };
  fill(trouble, h("p", { class: "absent" }, "Events are being counted."));
  ask();
  return { now, soon };
}
