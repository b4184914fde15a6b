// Builds the page: reads what it needs first, then gives each view its place.

import { get } from "./api/api.js";
import { followSelection } from "./state/selected.js";
import { state } from "./state/state.js";
import { fill, h, say, saySteadily } from "./views/parts/elements.js";
import { helpButton } from "./views/parts/help.js";
import { chooseTheme, isDark, onTheme } from "./views/parts/theme.js";
import { mountClasses } from "./views/classes.js";
import { mountComparison } from "./views/comparison.js";
import { mountEvents } from "./views/events.js";
import { mountReview } from "./views/review.js";

const PAGES = [
  { view: "events", name: "Events", mount: mountEvents },
  { view: "classes", name: "Classes", mount: mountClasses },
  { view: "review", name: "Review", mount: mountReview },
  { view: "comparison", name: "Models", mount: mountComparison },
];
const NEWS_EVERY_MS = 5000;

async function start() {
  let network;
  try {
    network = await get("network");
  } catch (error) {
    saySteadily(error.absent ? `${error.message}. The page appears by itself once there are events.` : error.message);
    setTimeout(start, NEWS_EVERY_MS);
    return;
  }
  /** What every view gets: `network` is the answer of /api/network, renewed by `renew`. */
  const app = { network, started: network.started, trouble: "", listeners: [], onRenewed: (listener) => app.listeners.push(listener) };
  followSelection(app);
  document.title = `${network.name} · Events`;
  document.getElementById("network-name").textContent = network.name;
  saySteadily(standing([...network.notes, unknown()]));
  buildPages(app);
  setInterval(() => renew(app), NEWS_EVERY_MS);
}

function buildPages(app) {
  const main = document.getElementById("main");
  const built = new Map();
  const links = PAGES.map(({ view, name }) =>
    h("a", { href: `?view=${view}`, onclick: (event) => { event.preventDefault(); state.set({ view }); } }, name),
  );
  fill(document.getElementById("pages"), links);
  const show = () => {
    const page = PAGES.find(({ view }) => view === state.get("view")) ?? PAGES[0];
    for (const [index, { view }] of PAGES.entries()) {
      links[index].toggleAttribute("aria-current", view === page.view);
      if (view === page.view) links[index].setAttribute("aria-current", "page");
    }
    if (!built.has(page.view)) {
      const root = h("section", { class: `page page-${page.view}`, "aria-label": page.name });
      built.set(page.view, root);
      main.append(root);
      page.mount(root, app);
    }
    for (const [view, root] of built) root.hidden = view !== page.view;
  };
  state.on(["view"], show);
  show();
}

function themeButton() {
  const button = h("button", { type: "button", onclick: () => chooseTheme(isDark() ? "light" : "dark") });
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Light page" : "Dark page");
  };
  onTheme(show);
  show();
  return button;
}

/** Ask whether there are other labels or reviews, or what was wrong is right again, and tell the views. */
async function renew(app) {
  if (document.hidden) return;
  try {
    const now = await get("version");
    const again = app.trouble && !now.trouble;
    const labels = now.version !== app.network.version || again;
    app.trouble = now.trouble;
    if (labels || now.review_version !== app.network.review_version) {
      app.network = await get("network");
      for (const listener of app.listeners) listener({ labels });
      if (labels && !again) say("Labels or catalogue have changed; the page shows them now.");
    }
    const restarted = now.started === app.started ? "" : "The explorer was started again: load this page again before you decide anything.";
    saySteadily(standing([...app.network.notes, now.trouble, restarted, unknown()]));
  } catch (error) {
    app.trouble = error.message;
    saySteadily(error.message);
  }
}

const unknown = () => (state.unknown.length
  ? `The address has parameters that are not known, and that choose nothing: ${state.unknown.map((name) => name.slice(0, 40)).join(", ")}.` : "");

const standing = (texts) => texts.filter(Boolean).join(" · ");

fill(document.getElementById("top-right"), themeButton(), helpButton());
start();
