// One event.

/** Build the view in `root`. */
export function mountEvent(root, app) {}
