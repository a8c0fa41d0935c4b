// An event's body: pretty, foldable, searchable.

import { useMemo, useState } from "preact/hooks";

import { childrenOf, find, pathOf } from "./searching.js";
import { plural, visible, visibleJson } from "./text.js";

const OPEN_DEPTH = 2;
const FEW = 50; // of a long list, so many are shown at first

export function Tree({ value }) {
  const [text, setText] = useState("");
  const found = useMemo(() => find(value, text), [value, text]);
  const count = found.hits.size;
  return (
    <div class="tree">
      <label>
        <span>Search in the body</span>
        <input type="search" value={text} onInput={(event) => setText(event.target.value)} />
      </label>
      <p class="hits" role="status">
        {text.trim() && (count ? plural(count, "match").replace("matchs", "matches") : "no match")}
      </p>
      <div class="json" tabIndex={0} role="region" aria-label="Body of the event">
        <Node value={value} path="" depth={0} found={found} />
      </div>
    </div>
  );
}

function Node({ name, value, path, depth, found }) {
  const children = childrenOf(value);
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH && children.length <= FEW);
  const [most, setMost] = useState(FEW);
  const label = name !== undefined && <span class="key">{visible(name)}: </span>;
  const hit = found.hits.has(path) ? "hit" : undefined;
  if (!children.length)
    return (
      <div class={hit}>
        {label}
        <Leaf value={value} />
      </div>
    );

  const open = isOpen || found.open.has(path);
  const shown = found.hits.size ? children : children.slice(0, most);
  const what = Array.isArray(value)
    ? plural(children.length, "item")
    : plural(children.length, "field");
  return (
    <div>
      <button class={`fold ${hit ?? ""}`} aria-expanded={open} onClick={() => setOpen(!open)}>
        {label}
        <span class="count">
          {Array.isArray(value) ? "[ ]" : "{ }"} {what}
        </span>
      </button>
      {open && (
        <div class="inside">
          {shown.map(([key, child]) => (
            <Node
              key={key}
              name={key}
              value={child}
              path={pathOf(path, key)}
              depth={depth + 1}
              found={found}
            />
          ))}
          {shown.length < children.length && (
            <button onClick={() => setMost(most + 500)}>
              {plural(children.length - shown.length, "more").replace(/s$/, "")}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Leaf({ value }) {
  const kind = value === null ? "null" : typeof value;
  return <span class={`value ${kind}`}>{visibleJson(value)}</span>;
}
