import assert from "node:assert/strict";
import { test } from "node:test";

import { concernsOf, count } from "./wellness.js";

const deployment = (id, state, apps = ["/a"]) => ({ id, state, apps });
const cluster = (more = {}) => ({ newest: "2026-11-24T00:00:00Z", incidents: [], ...more });

test("an app whose last deployment failed is not well", () => {
  const failed = (deployments) => concernsOf(cluster(), { deployments }).failed.map(({ id }) => id);
  assert.deepEqual(failed([deployment("old", "failed")]), ["old"]);
  assert.deepEqual(failed([deployment("new", "succeeded"), deployment("old", "failed")]), []);
  assert.deepEqual(failed([deployment("new", "running"), deployment("old", "failed")]), ["old"]);
  const both = [deployment("new", "succeeded"), deployment("old", "failed", ["/a", "/b"])];
  assert.deepEqual(failed(both), ["old"]);
});

test("what an open incident tells is not told twice", () => {
  const incidents = [{ subject: "app:/a", title: "x" }, { subject: "deployment:s", title: "x" }];
  const deployments = [{ id: "s", stuck_since: "2026-11-24T00:00:00Z" }];
  const report = { deployments: [deployment("old", "failed")] };
  assert.equal(count(concernsOf(cluster({ incidents, deployments }), report)), 0);
});

test("a cluster that never sent is not well, nor is a deployment that stands still", () => {
  assert.equal(count(concernsOf(cluster({ newest: undefined }))), 1);
  assert.equal(count(concernsOf(cluster({ deployments: [{ id: "s", stuck_since: "x" }] }))), 1);
  assert.equal(count(concernsOf(cluster({ deployments: [{ id: "s" }] }))), 0);
});
