import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, client, pathTo } from "./api.js";

const BASE = "https://x.example/prod/?y#/now";

function answering(status, body) {
  return async () => new Response(body, { status });
}

async function kindOf(fetch) {
  try {
    await client(BASE, "t", fetch)("events");
  } catch (error) {
    return `${error.kind}: ${error.message}`;
  }
}

test("addresses stay below the page's own", () => {
  assert.equal(String(addressOf(BASE, "events", { app: "/a&b", type: "", since: undefined })),
    "https://x.example/prod/events?app=%2Fa%26b");
  assert.equal(pathTo("events", "prod", "a/b?c#d"), "events/prod/a%2Fb%3Fc%23d");
  assert.throws(() => pathTo("events", "prod", ".."), { kind: "missing" });
});

test("the token goes in a header", async () => {
  let sent;
  const fetch = async (url, options) => { sent = options.headers; return new Response("{}"); };
  await client(BASE, "t", fetch)("events");
  assert.deepEqual(sent, { Authorization: "Bearer t" });
});

test("each failure has its kind", async () => {
  assert.equal(await kindOf(answering(403, '{"error":{"message":"No."}}')), "expired: No.");
  const other = '{"error":{"code":"other_cluster","message":"No."}}';
  assert.equal(await kindOf(answering(403, other)), "refused: No.");
  assert.equal(await kindOf(answering(429, '{"message":"Slow"}')), "busy: The API answered 429.");
  assert.equal(await kindOf(answering(502, "<html>")), "busy: The API answered 502.");
  const html = await kindOf(answering(200, "<html>"));
  assert.equal(html, "busy: The answer was cut off, or is no JSON.");
  const offline = await kindOf(async () => { throw new TypeError(); });
  assert.equal(offline, "offline: The API can't be reached.");
});
