// What the page says when there is nothing to show: what is so, and what to do.

import { useState } from "preact/hooks";

import { usePage, useSlow } from "./page.js";
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
export function Failed({ trouble, again }) {
  const { state, go } = usePage();
  const retry = (
    <p>
      <button onClick={again}>Try now</button>
    </p>
  );
  switch (trouble.kind) {
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
          <p>{trouble.message}</p>
          <p>
            <button onClick={() => go(withoutFilters(state))}>Clear the filters</button>
          </p>
        </Notice>
      );
    case "missing":
      return (
        <Notice title="That is not there" role="alert">
          <p>It may have been kept longer than events are kept, or the link is not whole.</p>
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
          <p>{trouble.message}</p>
        </Notice>
      );
    default:
      return (
        <Notice title="The API did not answer as it should" role="alert">
          <p>{trouble.message} The page tries again by itself.</p>
          {retry}
        </Notice>
      );
  }
}

export function withoutFilters(state) {
  return { ...state, app: undefined, type: undefined, severity: undefined, text: undefined };
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

export function TokenForm({ expired, keep }) {
  const [wrong, setWrong] = useState(false);
  function submit(event) {
    event.preventDefault();
    const token = new FormData(event.target).get("token").trim();
    setWrong(!isToken(token));
    if (isToken(token)) keep(token);
  }
  return (
    <main class="door">
      <form class="message" onSubmit={submit}>
        <h1>{expired ? "Your token is not valid any more" : "Marathon events"}</h1>
        <p>
          {expired
            ? "It has expired, was revoked, or is not a reader’s."
            : "What happened, and what is broken now."}
        </p>
        <p>Who operates this listener makes a token, and a link that holds it:</p>
        <pre>.venv/bin/python scripts/grant.py --label you</pre>
        <label for="token">Reader token</label>
        <div class="row">
          <input
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
