import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { addressOf, pathTo } from "./api.js";
import { asCurl, asJson, quoted } from "./copying.js";
import { visible, visibleJson } from "./text.js";

test("what is invisible or turns the text around is shown", () => {
  assert.equal(visible("a\u202eb\u0000c\u2028d\u200be\u{e0041}"),
    "a\\u202eb\\u0000c\\u2028d\\u200be\\ue0041");
  assert.equal(visible("zażółć 任务 😀"), "zażółć 任务 😀");
  assert.equal(visibleJson("\u202e\n"), '"\\u202e\\n"');
});

test("a shell takes a quoted word as it is", () => {
  for (const word of ["a'b", "$(id)`id`\\", "'; rm -rf / #", "a\nb", "!x \"y\""]) {
    assert.equal(execFileSync("/bin/sh", ["-c", `printf %s ${quoted(word)}`]).toString(), word);
  }
});

test("a curl line holds no token, and nothing of an event ends its quotes", () => {
  const line = asCurl(addressOf("https://x/prod/", pathTo("events", "prod", "'$(id)'")));
  assert.ok(line.includes('"Authorization: Bearer $TOKEN"'));
  const words = execFileSync("/bin/sh", ["-c", `TOKEN=t; set -- ${line}; printf '%s|' "$@"`]);
  assert.equal(words.toString().split("|")[4], "https://x/prod/events/prod/'%24(id)'");
});

test("copied JSON is ASCII, and the same value", () => {
  const value = { "a\u202e": ["ü\u007f", "😀"] };
  assert.match(asJson(value), /^[\x00-\x7e]*$/);
  assert.deepEqual(JSON.parse(asJson(value)), value);
});
