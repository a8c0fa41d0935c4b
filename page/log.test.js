import assert from "node:assert/strict";
import { test } from "node:test";

import { Log } from "./log.js";
import { secondsUntilNext } from "./polling.js";

const START = Date.parse("2026-11-24T00:00:00.000Z");

function event(second) {
  const timestamp = new Date(START + second * 1000).toISOString();
  return { id: `${timestamp.replace(/[-:.]/g, "")}-${second}`, timestamp };
}

/** A small API: pages of at most three, an empty page before each full one. */
function api(seconds) {
  const all = seconds.map(event);
  async function fetch({ since, until, limit, cursor = "0 full" }) {
    const [skip, kind] = cursor.split(" ");
    const found = all
      .filter((each) => (!since || each.timestamp >= since) && (!until || each.timestamp <= until))
      .sort((a, b) => (a.id < b.id ? 1 : -1));
    if (kind === "full") return { events: [], cursor: `${skip} empty` };
    const end = Number(skip) + Math.min(limit, 3);
    const page = { events: found.slice(Number(skip), end) };
    return end < found.length ? { ...page, cursor: `${end} full` } : page;
  }
  return { fetch, add: (second) => all.push(event(second)) };
}

const numbers = (log) => log.events.map((each) => Number(each.id.split("-")[1]));

test("a stretch is loaded whole, newest first, each event once", async () => {
  const { fetch } = api([0, 1, 2, 3, 4, 5, 6, 7]);
  const log = new Log(fetch, START + 6000);
  await log.reachBack(START + 2000);
  assert.deepEqual(numbers(log), [6, 5, 4, 3, 2]);
  assert.equal(log.reach, START + 2000);
  await log.more();
  await log.more();
  assert.deepEqual(numbers(log), [6, 5, 4, 3, 2, 1, 0]);
  assert.ok(log.ended);
  await log.catchUp(START + 7000);
  assert.deepEqual(numbers(log), [7, 6, 5, 4, 3, 2, 1, 0]);
});

test("what is new, or late, is caught up with", async () => {
  const made = api([100, 200]);
  const log = new Log(made.fetch);
  await log.reachBack(START);
  log.head = START + 200_000;
  for (const second of [201, 190]) made.add(second);
  await log.catchUp();
  assert.deepEqual(numbers(log), [201, 200, 190, 100]);
  const { version } = log;
  await log.catchUp();
  assert.equal(log.version, version);
});

test("an event dated ahead does not hide those that follow", async () => {
  const made = api([100]);
  const ahead = { ...event(90_000), received_at: event(101).timestamp };
  const log = new Log(async (asked) => {
    const page = await made.fetch(asked);
    return { ...page, events: asked.since > ahead.timestamp ? [] : [ahead, ...page.events] };
  });
  await log.reachBack(START);
  log.head = START + 100_000;
  await log.catchUp();
  made.add(110);
  await log.catchUp();
  assert.deepEqual(numbers(log), [90_000, 110, 100]);
});

test("what was held up is looked for further back", async () => {
  const made = api([1000]);
  const log = new Log(made.fetch);
  await log.reachBack(START);
  log.head = START + 1_000_000;
  made.add(100);
  await log.catchUp();
  assert.deepEqual(numbers(log), [1000]);
  for (let turn = 0; turn < 12; turn += 1) await log.catchUp();
  assert.deepEqual(numbers(log), [1000, 100]);
});

test("what comes hours late is found once its last events come", async () => {
  const made = api([100, 30_000]);
  const log = new Log(made.fetch);
  await log.reachBack(START);
  log.head = START + 30_000_000;
  const came = event(30_010).timestamp;
  const late = [200, 10_000, 29_900].map((second) => ({ ...event(second), received_at: came }));
  log._fetch = async (asked) => {
    const page = await made.fetch(asked);
    const heldUp = late.filter(({ timestamp }) => !asked.since || timestamp >= asked.since);
    return { ...page, events: [...page.events, ...heldUp] };
  };
  for (let turn = 0; turn < 24; turn += 1) await log.catchUp();
  assert.deepEqual(numbers(log), [30_000, 29_900, 10_000, 200, 100]);
});

test("what comes hours late alone is found, too", async () => {
  const made = api([100, 30_000]);
  const log = new Log(made.fetch);
  await log.reachBack(START);
  log.head = START + 30_000_000;
  const alone = { ...event(10_000), received_at: event(30_010).timestamp };
  let through = 0;
  log._fetch = async (asked) => {
    const page = await made.fetch(asked);
    const far = !asked.since || alone.timestamp >= asked.since;
    through += far && !asked.cursor ? 1 : 0;
    return { ...page, events: far ? [...page.events, alone] : page.events };
  };
  for (let turn = 0; turn < 120; turn += 1) await log.catchUp();
  assert.deepEqual(numbers(log), [30_000, 10_000, 100]);
  assert.equal(through, 1);
});

test("a stretch elsewhere is not touched", () => {
  const log = new Log(undefined, 2000);
  log.reach = 1000;
  assert.ok(log.touches(500, 1500));
  assert.ok(log.touches(1500, 2500));
  assert.ok(!log.touches(2001, 3000));
  assert.ok(!log.touches(0, 999));
});

test("polling backs off", () => {
  const seconds = [0, 1, 2, 9].map((failures) => secondsUntilNext(5, failures, false));
  assert.deepEqual(seconds, [5, 10, 20, 60]);
  assert.equal(secondsUntilNext(5, 0, true), 60);
});
