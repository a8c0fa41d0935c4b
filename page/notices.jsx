// What the page says when there is nothing to show: what is so, and what to do.

import { useEffect, useRef, useState } from "preact/hooks";

import { usePage, useSlow } from "./page.js";
import { Go, Text } from "./parts.jsx";
import { isToken } from "./token.js";

export function Notice({ title, children, role = "status" }) {
  return (
    <div class="message" role={role}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Loading({ what }) {
  const slow = useSlow(true);
  return (
    <Notice title={`Loading ${what} …`}>
      {slow && <p>This takes longer than usual. It goes on by itself; there is nothing to do.</p>}
    </Notice>
  );
}

/** What went wrong with a request. */
export function Failed({ error, again }) {
  const { state, go } = usePage();
  const retry = (
    <p>
      <button onClick={again}>Try now</button>
    </p>
  );
  switch (error.kind) {
    case "offline":
      return (
        <Notice title="The API can’t be reached" role="alert">
          <p>Look at your connection. The page tries again by itself.</p>
          {retry}
        </Notice>
      );
    case "bad":
      return (
        <Notice title="The API does not take that filter" role="alert">
          <p>{error.message}</p>
          <p>
            <button onClick={() => go(withoutFilters(state))}>Clear the filters</button>
          </p>
        </Notice>
      );
    case "missing":
      return (
        <Notice title="That is not there" role="alert">
          <p>It is older than the time for which events are kept, or a part of the link is missing.</p>
        </Notice>
      );
    case "refused":
      return (
        <Notice title={`No access to cluster ${state.cluster}`} role="alert">
          <p>
            Your token is for another cluster. Choose that one above, or ask for a token that reads
            this one, too.
          </p>
        </Notice>
      );
    case "expired":
      return (
        <Notice title="Your token is not valid any more" role="alert">
          <p>{error.message}</p>
        </Notice>
      );
    default:
      return (
        <Notice title="The API did not answer as it should" role="alert">
          <p>{error.message} The page tries again by itself.</p>
          {retry}
        </Notice>
      );
  }
}

export function withoutFilters(state) {
  return { ...state, app: undefined, find: undefined, type: undefined, severity: undefined, text: undefined };
}

export function NoSuchCluster({ name, clusters }) {
  return (
    <Notice title="There is no such cluster" role="alert">
      <p>
        There is none called <Text>{name}</Text>, or your token does not read it. It reads:
      </p>
      <ul>
        {clusters.map((each) => (
          <li key={each.name}>
            <Go to={{ cluster: each.name, ...withoutFilters({}) }}>
              <Text>{each.name}</Text>
            </Go>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

export function NothingRegistered() {
  return (
    <Notice title="Nothing is registered yet">
      <p>Events come as soon as a Marathon knows this listener:</p>
      <pre>.venv/bin/python scripts/register.py --marathon URL</pre>
      <p>This page shows it by itself when it is there.</p>
    </Notice>
  );
}

const REFUSED = {
  expired: ["Your token is no longer valid", "It has expired, or it was revoked."],
  unknown: [
    "This is not a token of this API",
    "It was revoked, it is for another stage, or it is not a reader’s.",
  ],
};

/** `refused`: why the API did not take the token before, if there was one. */
export function TokenForm({ refused, keep }) {
  const [wrong, setWrong] = useState(false);
  const field = useRef();
  useEffect(() => field.current.focus(), [refused]);
  const [title, why] = REFUSED[refused] ?? [
    "Marathon events",
    "What happened, and what is broken now.",
  ];
  function submit(event) {
    event.preventDefault();
    const token = new FormData(event.target).get("token").trim();
    setWrong(!isToken(token));
    if (isToken(token)) keep(token);
  }
  return (
    <main class="door">
      <form class="message" onSubmit={submit}>
        <div role={refused && "alert"}>
          <h1>{title}</h1>
          <p>{why}</p>
        </div>
        <p>
          Ask the operator of this listener for a token. This command makes one, and a link with it:
        </p>
        <pre>{grantLine()}</pre>
        <label for="token">Reader token</label>
        <div class="row">
          <input
            ref={field}
            id="token"
            name="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            aria-describedby={wrong ? "wrong" : undefined}
            aria-invalid={wrong}
          />
          <button class="primary">Open</button>
        </div>
        {wrong && (
          <p id="wrong" class="wrong" role="alert">
            A token has 43 letters, digits, - and _. Copy it whole.
          </p>
        )}
      </form>
    </main>
  );
}

/** The command for this stage: its name is the first part of the API's path. */
function grantLine() {
  const [stage] = location.pathname.split("/").filter(Boolean);
  const named = /^[a-z][a-z0-9-]*$/.test(stage ?? "") && stage !== "dev";
  return `.venv/bin/python scripts/grant.py --label you${named ? ` --stage ${stage}` : ""}`;
}
