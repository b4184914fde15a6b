// Pictures of the events.

/** Build the view in `root`. */
export function mountGallery(root, app) {}
