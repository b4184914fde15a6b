// Light or dark: as the system says, or as a person has chosen, which the browser keeps.

const KEPT = "explorer-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = [];

const kept = () => {
  try {
    return window.localStorage.getItem(KEPT);
  } catch {
    return null; // a browser may refuse to keep anything
  }
};

let chosen = kept();

/** Whether the page is dark now. */
export const isDark = () => (chosen ? chosen === "dark" : system.matches);

/** Call `listener` when the page becomes light or dark: canvases are drawn again. */
export const onTheme = (listener) => listeners.push(listener);

/** Choose "light" or "dark"; null follows the system. */
export function chooseTheme(theme) {
  chosen = theme;
  try {
    if (theme) window.localStorage.setItem(KEPT, theme);
    else window.localStorage.removeItem(KEPT);
  } catch {
    // it then holds for this page alone
  }
  show();
}

/** What was chosen: "light", "dark", or null. */
export const chosenTheme = () => chosen;

/** A colour of the stylesheet, like "--accent", as a canvas takes it: the one of light or dark that holds now. */
export function pageColour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function show() {
  const root = document.documentElement;
  if (chosen) root.dataset.theme = chosen;
  else delete root.dataset.theme;
  for (const listener of listeners) listener();
}

system.addEventListener("change", show);
show();
