// The map of events.

/** Build the view in `root`. */
export function mountEventMap(root, app) {}
