// What a deployment changed, as a diff that reads well.

import { diffLines, diffWordsWithSpace } from "diff";

import { Text } from "./parts.jsx";
import { visible, visibleJson } from "./text.js";

const LONGEST = 20_000; // longer texts are shown one after the other: comparing them takes too long

export function Changes({ changes }) {
  return changes.map(({ app, fields }) => (
    <section class="change" key={app}>
      <h4>
        <Text>{app}</Text>
      </h4>
      <ul>
        {fields.map((field) => (
          <li key={field.field}>
            <Field {...field} />
          </li>
        ))}
      </ul>
    </section>
  ));
}

function Field({ field, before, after, change }) {
  const kind =
    change ?? (before === undefined ? "added" : after === undefined ? "removed" : "changed");
  return (
    <>
      <span class="name">
        <Text>{field}</Text>
      </span>{" "}
      <span class={`how ${kind}`}>{kind}</span>
      {before === undefined && after === undefined ? (
        <p class="hint">Values of environments and secrets are never shown.</p>
      ) : (
        <Values before={before} after={after} />
      )}
    </>
  );
}

function Values({ before, after }) {
  const [old, young] = [shown(before), shown(after)];
  const isLong = (old ?? "").length + (young ?? "").length > LONGEST;
  if (old === undefined || young === undefined || isLong) {
    return (
      <div class="values">
        {old !== undefined && <del>{visibleLines(old)}</del>}
        {young !== undefined && <ins>{visibleLines(young)}</ins>}
      </div>
    );
  }
  const Way = old.includes("\n") || young.includes("\n") ? Lines : Words;
  return (
    <div class="values">
      <Way old={old} young={young} />
    </div>
  );
}

/** Both texts, one below the other, with the words marked that differ. */
function Words({ old, young }) {
  const parts = diffWordsWithSpace(old, young);
  const marked = (own, other) =>
    parts
      .filter((part) => !part[other])
      .map((part) => (part[own] ? <mark>{visible(part.value)}</mark> : visible(part.value)));
  return (
    <>
      <del>{marked("removed", "added")}</del>
      <ins>{marked("added", "removed")}</ins>
    </>
  );
}

/** One text, with the lines that went and those that came. */
function Lines({ old, young }) {
  return diffLines(`${old}\n`, `${young}\n`).map(({ added, removed, value }) => {
    const Part = added ? "ins" : removed ? "del" : "div";
    return value
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => <Part class={Part === "div" ? "same" : undefined}>{visible(line)}</Part>);
  });
}

function shown(value) {
  if (value === undefined || typeof value === "string") return value;
  return value !== null && typeof value === "object"
    ? JSON.stringify(value, null, 2)
    : visibleJson(value);
}

function visibleLines(text) {
  return text.split("\n").map(visible).join("\n");
}
