// Is all well? What there is to look at in a cluster, beside its open incidents.

import { pathOf } from "./incidents.js";

/**
 * What is not well although no incident of it is open: apps whose last deployment failed, and a
 * cluster that never sent anything.
 */
export function concernsOf({ newest, incidents = [] }, report) {
  const open = new Set(incidents.flatMap((each) => [pathOf(each), ...(each.apps ?? [])]));
  const told = new Set(incidents.map(({ subject }) => subject));
  const failed = lastFailures(report?.deployments ?? []).filter(
    ({ id, apps }) => !told.has(`deployment:${id}`) && !apps.some((app) => open.has(app)),
  );
  return { failed, silent: !newest };
}

export function count({ failed, silent }) {
  return failed.length + (silent ? 1 : 0);
}

/** The failed deployments after which no other one of the same apps ended; newest first. */
function lastFailures(deployments) {
  const settled = new Set();
  return deployments.filter(({ state, apps }) => {
    if (state === "running" || state === "unknown") return false;
    const isLast = apps.some((app) => !settled.has(app));
    for (const app of apps) settled.add(app);
    return isLast && state === "failed";
  });
}
