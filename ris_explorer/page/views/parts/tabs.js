// Tabs: one of several panels is shown; the address says which.

import { state } from "../../state/state.js";
import { h } from "./elements.js";

/**
 * Build tabs in `root`: `panels` are [name, title, mount]; the address has the name as `parameter`. A panel is built when
 * it is shown first.
 */
export function mountTabs(root, app, label, parameter, panels) {
  const built = new Set();
  const buttons = panels.map(([name, title]) =>
    h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`,
      onclick: () => state.set({ [parameter]: name }) }, title),
  );
  const bodies = panels.map(([name]) =>
    h("div", { class: `body panel-${name}`, role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` }),
  );
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": label }, buttons);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    state.set({ [parameter]: panels[next][0] });
    buttons[next].focus();
  });
  root.append(list, ...bodies);
  const show = () => {
    const shown = Math.max(0, panels.findIndex(([name]) => name === state.get(parameter)));
    for (const [index, [name, , mount]] of panels.entries()) {
      buttons[index].setAttribute("aria-selected", String(index === shown));
      buttons[index].tabIndex = index === shown ? 0 : -1;
      bodies[index].hidden = index !== shown;
      if (index === shown && !built.has(name)) {
        built.add(name);
        mount(bodies[index], app);
      }
    }
  };
  state.on([parameter], show);
  show();
}
