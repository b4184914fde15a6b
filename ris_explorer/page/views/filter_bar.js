// The filter.

/** Build the view in `root`. */
export function mountFilterBar(root, app) {}
