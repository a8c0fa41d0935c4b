import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, clock, fromField, formatDuration, toField } from "./times.js";

const TIME = Date.parse("2026-11-24T01:02:03.004Z");

test("times in UTC", () => {
  const { minute, exact, day } = clock("utc");
  assert.equal(minute(TIME), "01:02");
  assert.equal(day(TIME), "Tue 24 Nov");
  assert.equal(exact(TIME), "24 Nov 2026, 01:02:03.004 UTC");
});

test("durations", () => {
  const said = [0.25, 1, 59.6, 61, 3600, 3605, 4000, 90_000, 200_000].map(formatDuration);
  assert.deepEqual(said, ["250 ms", "1 s", "1 min", "1 min 1 s", "1 h", "1 h", "1 h 6 min",
    "1 day 1 h", "2 days 7 h"]);
  assert.deepEqual([500, 1000, 61_000, 2 * 86_400_000].map(ago),
    ["just now", "1 s ago", "1 min ago", "2 days ago"]);
});

test("fields of a form and back, in both zones", () => {
  for (const utc of [true, false]) {
    assert.equal(fromField(toField(TIME, utc), utc), TIME - 4);
  }
  assert.equal(toField(TIME, true), "2026-11-24T01:02:03");
});
