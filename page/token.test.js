import assert from "node:assert/strict";
import { test } from "node:test";

import { kept, shareWithTabs, takeFromAddress } from "./token.js";

const [MINE, YOURS] = ["m".repeat(43), "y".repeat(43)];

function storage(token) {
  const items = new Map(token ? [["token", token]] : []);
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}

function take(hash, kept) {
  let address;
  const history = { replaceState: (_, __, url) => (address = url) };
  const offered = takeFromAddress({ pathname: "/prod/", search: "", hash }, history, kept);
  return { address, offered };
}

test("a link's token is kept, and leaves the address", () => {
  const own = storage();
  assert.deepEqual(take(`#token=${MINE}`, own), { address: "/prod/#/now", offered: undefined });
  assert.equal(kept(own), MINE);
  assert.equal(take("#token=short", own).address, "/prod/#/now");
  assert.equal(kept(own), MINE);
});

test("a link never replaces a token unasked", () => {
  const own = storage(MINE);
  assert.equal(take(`#token=${YOURS}`, own).offered, YOURS);
  assert.equal(kept(own), MINE);
});

test("a new tab gets the token of another, and all sign out together", () => {
  const tabs = [];
  const open = () => {
    const tab = {
      postMessage: (data) => tabs.filter((each) => each !== tab).forEach((e) => e.onmessage({ data })),
    };
    tabs.push(tab);
    return tab;
  };
  const [old, young] = [storage(MINE), storage()];
  const told = [];
  const left = shareWithTabs("/prod/", old, () => told.push("old"), open);
  shareWithTabs("/prod/", young, () => told.push("young"), open);
  assert.equal(kept(young), MINE);
  left();
  assert.equal(kept(young), null);
  assert.deepEqual(told, ["young", "young"]);
});
