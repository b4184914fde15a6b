// What a view asks the server is asked only while the view is shown.

/** Answers a function that calls `action` now if `root` is shown, else once it is. */
export function whenShown(root, action) {
  let late = false;
  const act = () => {
    late = !root.checkVisibility();
    if (!late) action();
  };
  new ResizeObserver(() => late && act()).observe(root);
  return act;
}
