// The page Classes.

/** Build the view in `root`. */
export function mountClasses(root, app) {}
