// The page: the token, the clusters, and the view that the address names.

import "./app.css";

import { render } from "preact";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";

import { client } from "./api.js";
import { DeploymentPanel } from "./deployment.jsx";
import { EventPanel } from "./event.jsx";
import { EventsView } from "./events.jsx";
import { useAnswer } from "./loading.js";
import { Failed, Loading, NothingRegistered, TokenForm } from "./notices.jsx";
import { Now } from "./now.jsx";
import { Page, useAddress } from "./page.js";
import { Go } from "./parts.jsx";
import { visible } from "./text.js";
import { clock as clockOf } from "./times.js";
import { forget, keep, kept, takeFromAddress } from "./token.js";

const CLUSTERS_SECONDS = 10;

function App() {
  const [token, setToken] = useState(() => kept(sessionStorage));
  const [state, go] = useAddress();
  const [expired, setExpired] = useState(false);
  const get = useMemo(() => telling(client(location.href, token), setExpired), [token]);
  const clock = useMemo(() => clockOf(state.zone), [state.zone]);
  const { answer, trouble, again } = useAnswer(
    get,
    token && !expired && "clusters",
    () => true,
    CLUSTERS_SECONDS,
  );
  const clusters = answer?.clusters;

  useLayoutEffect(() => {
    const changed = () => {
      setToken(kept(sessionStorage));
      setExpired(false);
    };
    addEventListener("popstate", changed);
    return () => removeEventListener("popstate", changed);
  }, []);

  useEffect(() => {
    // With one cluster, or none named, the address names one all the same: then it is a whole link.
    if (clusters?.length && !state.cluster && state.view === "timeline") {
      go(
        { cluster: (clusters.find((each) => each.incidents.length) ?? clusters[0]).name },
        { replace: true },
      );
    }
  }, [clusters, state.cluster, state.view]);

  if (!token || expired) {
    return (
      <TokenForm
        expired={expired}
        keep={(given) => {
          keep(sessionStorage, given);
          setExpired(false);
          setToken(given);
        }}
      />
    );
  }
  const leave = () => {
    forget(sessionStorage);
    setToken(null);
  };
  const cluster = clusters?.find(({ name }) => name === state.cluster);
  return (
    <Page.Provider value={{ state, go, get, clock }}>
      <Header clusters={clusters ?? []} leave={leave} />
      {trouble && answer && (
        <p class="bar-notice" role="alert">
          {trouble.message} What you see may be old; the page tries again by itself.{" "}
          <button onClick={again}>Try now</button>
        </p>
      )}
      <main class={`body ${state.event || state.deployment ? "with-panel" : ""}`}>
        <div class="view">
          {!answer && trouble && <Failed trouble={trouble} again={again} />}
          {!answer && !trouble && <Loading what="clusters" />}
          {clusters?.length === 0 && <NothingRegistered />}
          {clusters?.length > 0 && state.view === "now" && <Now clusters={clusters} />}
          {clusters?.length > 0 && state.view === "timeline" && <EventsView cluster={cluster} />}
        </div>
        {state.cluster && state.event && <EventPanel cluster={state.cluster} id={state.event} />}
        {state.cluster && !state.event && state.deployment && (
          <DeploymentPanel cluster={state.cluster} id={state.deployment} />
        )}
      </main>
    </Page.Provider>
  );
}

/** The same client, which tells of a token that is not valid any more. */
function telling(get, expired) {
  return (...asked) =>
    get(...asked).catch((trouble) => {
      if (trouble.kind === "expired") expired(true);
      throw trouble;
    });
}

function Header({ clusters, leave }) {
  return (
    <header class="top">
      <h1 class="brand">Marathon events</h1>
      <nav aria-label="Views">
        <Tab view="now">Now</Tab>
        <Tab view="timeline">Timeline</Tab>
      </nav>
      <Choices clusters={clusters} />
      <Version />
      <button onClick={leave}>Sign out</button>
    </header>
  );
}

function Tab({ view, children }) {
  return (
    <Page.Consumer>
      {({ state }) => (
        <Go
          to={{ view, event: undefined, deployment: undefined }}
          aria-current={state.view === view ? "page" : undefined}
        >
          {children}
        </Go>
      )}
    </Page.Consumer>
  );
}

function Choices({ clusters }) {
  return (
    <Page.Consumer>
      {({ state, go }) => (
        <div class="row">
          {clusters.length > 1 && state.view === "timeline" && (
            <select
              aria-label="Cluster"
              value={state.cluster}
              onChange={(event) =>
                go({ cluster: event.target.value, event: undefined, deployment: undefined })
              }
            >
              {[...new Set([state.cluster, ...clusters.map(({ name }) => name)])]
                .filter(Boolean)
                .map((name) => (
                  <option key={name} value={name}>
                    {visible(name)}
                  </option>
                ))}
            </select>
          )}
          <button
            aria-pressed={state.zone === "utc"}
            onClick={() =>
              go({ zone: state.zone === "utc" ? undefined : "utc" }, { replace: true })
            }
          >
            UTC
          </button>
        </div>
      )}
    </Page.Consumer>
  );
}

function Version() {
  const [version, setVersion] = useState("");
  useEffect(() => {
    client(location.href)("health").then(
      (health) => setVersion(health.version ?? ""),
      () => {},
    );
  }, []);
  return version && <p class="version">{visible(version)}</p>;
}

const takeToken = () => takeFromAddress(location, history, sessionStorage);
takeToken();
// Before all others: a link with a token may be opened in this tab.
addEventListener("popstate", takeToken);
render(<App />, document.body);
