import assert from "node:assert/strict";
import { test } from "node:test";

import { filterOf, isWanted, suggested } from "./apps.js";

const APPS = ["/prod/mailer", "/prod/pay/gateway", "/web"];

test("an app is found by a part of its path", () => {
  const found = (filter) => APPS.filter((path) => isWanted(path, filter));
  assert.deepEqual(found(filterOf("mailer", APPS)), ["/prod/mailer"]);
  assert.deepEqual(found(filterOf("/prod/PAY", APPS)), ["/prod/pay/gateway"]);
  assert.deepEqual(found(filterOf("/prod/*", APPS)), ["/prod/mailer", "/prod/pay/gateway"]);
  assert.deepEqual(found(filterOf("", APPS)), APPS);
});

test("a path that is known, and all below one, are asked of the API", () => {
  assert.deepEqual(filterOf(" /web ", APPS), { app: "/web", find: undefined });
  assert.deepEqual(filterOf("/x/*", APPS), { app: "/x/*", find: undefined });
  assert.deepEqual(filterOf("/we", APPS), { app: undefined, find: "/we" });
});

test("apps and groups are suggested by a part", () => {
  assert.deepEqual(suggested(APPS, "pay"), ["/prod/pay/*", "/prod/pay/gateway"]);
});
