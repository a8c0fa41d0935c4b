// What a deployment changed, as a diff that reads well.

import { diffLines, diffWordsWithSpace } from "diff";

import { Text } from "./parts.jsx";
import { visible, visibleJson } from "./text.js";

const LONGEST = 20_000; // longer texts are shown one after the other: comparing them takes too long

export function Changes({ changes }) {
  return changes.map(({ app, fields }) => (
    <section class="change" key={app}>
      <h4><Text>{app}</Text></h4>
      <ul>{fields.map((field) => <li key={field.field}><Field {...field} /></li>)}</ul>
    </section>
  ));
}

function Field({ field, before, after, change }) {
  const kind = change ?? (before === undefined ? "added" : after === undefined ? "removed" : "changed");
  return (
    <>
      <span class="name"><Text>{field}</Text></span> <span class={`how ${kind}`}>{kind}</span>
      {!change && <Values before={before} after={after} />}
      {change && <p class="hint">The values of env are never shown.</p>}
    </>
  );
}

function Values({ before, after }) {
  const [old, young] = [shown(before), shown(after)];
  const isLong = (old ?? "").length + (young ?? "").length > LONGEST;
  if (old === undefined || young === undefined || isLong || !isText(before, after)) {
    return (
      <div class="values">
        {old !== undefined && <del>{visibleLines(old)}</del>}
        {young !== undefined && <ins>{visibleLines(young)}</ins>}
      </div>
    );
  }
  const compare = old.includes("\n") || young.includes("\n") ? diffLines : diffWordsWithSpace;
  return (
    <div class="values together">
      {compare(old, young).map(({ added, removed, value }) => {
        const Part = added ? "ins" : removed ? "del" : "span";
        return <Part>{visibleLines(value)}</Part>;
      })}
    </div>
  );
}

/** Numbers and the like read best side by side; texts and nested values as one text with marks. */
function isText(before, after) {
  return [before, after].every((value) => typeof value === "string" ? value.length > 24 : typeof value === "object");
}

function shown(value) {
  if (value === undefined || typeof value === "string") return value;
  return typeof value === "object" ? JSON.stringify(value, null, 2) : visibleJson(value);
}

function visibleLines(text) {
  return text.split("\n").map(visible).join("\n");
}
