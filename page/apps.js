// Apps by their paths: whole, all below one (/prod/*), or a part of them, as people remember it.

/** The paths of all apps and pods that an event is about. */
export function pathsOf(event) {
  if (event.app) return [event.app];
  if (event.apps) return event.apps;
  return event.subject?.startsWith("pod:") ? [event.subject.slice(4)] : [];
}

export function groupOf(path) {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** Whether the state's filters let a path through: `app`, whole or with /*, and `find`, a part. */
export function isWanted(path, { app, find }) {
  if (find) return path.toLowerCase().includes(find.toLowerCase());
  if (!app) return true;
  return app.endsWith("/*") ? path.startsWith(app.slice(0, -1)) : path === app;
}

/** What somebody typed, as a filter: a path that is known or ends in /* is whole, else a part. */
export function filterOf(text, known) {
  const typed = text.trim();
  const isWhole = typed.endsWith("/*") || known.includes(typed);
  return isWhole || !typed ? { app: typed, find: undefined } : { app: undefined, find: typed };
}

/** All apps and all groups to choose from, those with the typed text first. */
export function suggested(apps, text) {
  const groups = [...new Set(apps.map(groupOf))].map((each) =>
    each === "/" ? "/*" : `${each}/*`,
  );
  const typed = text.toLowerCase();
  return [...groups, ...apps].filter((each) => each.toLowerCase().includes(typed));
}
