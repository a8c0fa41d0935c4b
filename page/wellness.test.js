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
  const report = { deployments: [deployment("old", "failed"), deployment("s", "failed", ["/b"])] };
  assert.equal(count(concernsOf(cluster({ incidents }), report)), 0);
});

test("a cluster that never sent is not well", () => {
  assert.equal(count(concernsOf(cluster({ newest: undefined }))), 1);
  assert.equal(count(concernsOf(cluster())), 0);
});
