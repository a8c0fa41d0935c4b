// The page: the token, the clusters, and the view that the address names.

import "./app.css";

import { render } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { client } from "./api.js";
import { DeploymentsView } from "./deployments.jsx";
import { DeploymentPanel } from "./deployment.jsx";
import { EventPanel } from "./event.jsx";
import { EventsView } from "./events.jsx";
import { useAnswer } from "./loading.js";
import { Failed, Loading, NoSuchCluster, NothingRegistered, TokenForm } from "./notices.jsx";
import { Now } from "./now.jsx";
import { Page, useAddress, useNow, usePage } from "./page.js";
import { Go } from "./parts.jsx";
import { visible } from "./text.js";
import { clock as clockOf, nameOfZone } from "./times.js";
import { forget, keep, kept, shareWithTabs, takeFromAddress } from "./token.js";

const CLUSTERS_SECONDS = 10;
// What was chosen in one cluster means nothing in another.
const NO_CHOICE = { app: undefined, find: undefined, at: undefined, event: undefined,
  deployment: undefined };

function App() {
  const session = useSession();
  const [state, go] = useAddress();
  const get = useMemo(() => guarded(client(location.href, session.token), session), [session.token]);
  const clock = useMemo(() => clockOf(state.zone), [state.zone]);
  const { answer, error, again } = useAnswer(
    get,
    session.token && !session.refused && "clusters",
    () => true,
    CLUSTERS_SECONDS,
  );
  const clusters = answer?.clusters;

  useEffect(() => {
    // With one cluster, or none named, the address names one all the same: then it is a whole link.
    if (clusters?.length && !state.cluster && state.view !== "now") {
      go(
        { cluster: (clusters.find((each) => each.incidents.length) ?? clusters[0]).name },
        { replace: true },
      );
    }
  }, [clusters, state.cluster, state.view]);

  if (!session.token || session.refused) {
    return <TokenForm refused={session.refused} keep={session.use} />;
  }
  return (
    <Page.Provider value={{ state, go, get, clock }}>
      <Header clusters={clusters ?? []} leave={session.leave} />
      {session.offered && <OtherToken {...session} />}
      {error && answer && (
        <p class="bar-notice" role="alert">
          {error.message} What you see may be old; the page tries again by itself.{" "}
          <button onClick={again}>Try now</button>
        </p>
      )}
      <main class={`body ${state.event || state.deployment ? "with-panel" : ""}`}>
        <div class="view">
          {!answer && error && <Failed error={error} again={again} />}
          {!answer && !error && <Loading what="clusters" />}
          {clusters?.length === 0 && <NothingRegistered />}
          {clusters?.length > 0 && <View clusters={clusters} />}
        </div>
        {state.cluster && state.event && <EventPanel cluster={state.cluster} id={state.event} />}
        {state.cluster && !state.event && state.deployment && (
          <DeploymentPanel cluster={state.cluster} id={state.deployment} />
        )}
      </main>
    </Page.Provider>
  );
}

function View({ clusters }) {
  const { state } = usePage();
  const now = useNow(1000);
  if (state.view === "now") return <Now clusters={clusters} />;
  if (!state.cluster) return null; // the address names one in a moment
  const cluster = clusters.find(({ name }) => name === state.cluster);
  if (!cluster) return <NoSuchCluster name={state.cluster} clusters={clusters} />;
  if (state.view === "deployments") return <DeploymentsView cluster={cluster} now={now} />;
  return <EventsView key={cluster.name} cluster={cluster} />;
}

/** Who reads: the token, whether the API refused it, and another that a link brought meanwhile. */
function useSession() {
  const [token, setToken] = useState(() => kept(sessionStorage));
  const [offered, setOffered] = useState(offeredFirst);
  const [refused, setRefused] = useState();
  const worked = useRef(false);
  const tellTabs = useRef(() => {});

  function changed() {
    setToken(kept(sessionStorage));
    setRefused(undefined);
  }

  useLayoutEffect(() => {
    const came = () => {
      const other = takeFromAddress(location, history, sessionStorage);
      if (other) setOffered(other);
      changed();
    };
    tellTabs.current = shareWithTabs(location.pathname, sessionStorage, changed);
    // A page that the browser kept whole while one was elsewhere may have signed out since.
    const listening = [["popstate", came], ["pageshow", changed]];
    for (const [name, act] of listening) addEventListener(name, act);
    return () => {
      for (const [name, act] of listening) removeEventListener(name, act);
    };
  }, []);

  function use(given) {
    keep(sessionStorage, given);
    worked.current = false;
    setOffered(undefined);
    changed();
  }

  function leave() {
    forget(sessionStorage);
    tellTabs.current();
    history.replaceState(null, "", "#/now"); // names of apps, too, are nobody else's business
    setOffered(undefined);
    changed();
  }

  /** The API does not take the token: another that waits is used, or the form asks for one. */
  function refuse() {
    if (offered) use(offered);
    else setRefused(worked.current ? "expired" : "unknown");
  }

  const accept = () => {
    worked.current = true;
  };
  return { token, offered, refused, use, leave, refuse, accept, drop: () => setOffered(undefined) };
}

/** The same client, which tells the session whether the API takes the token. */
function guarded(get, session) {
  return (...asked) =>
    get(...asked).then(
      (answer) => {
        session.accept();
        return answer;
      },
      (error) => {
        if (error.kind === "expired") session.refuse();
        throw error;
      },
    );
}

function OtherToken({ offered, use, drop }) {
  return (
    <p class="bar-notice" role="alert">
      The link that you followed holds another reader’s token. You are still signed in with yours.{" "}
      <button onClick={() => use(offered)}>Use the other</button>
      <button onClick={drop}>Keep mine</button>
    </p>
  );
}

function Header({ clusters, leave }) {
  return (
    <header class="top">
      <h1 class="brand">Marathon events</h1>
      <nav aria-label="Views">
        <Tab view="now">Now</Tab>
        <Tab view="timeline">Timeline</Tab>
        <Tab view="deployments">Deployments</Tab>
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
          to={{ view, at: undefined, event: undefined, deployment: undefined }}
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
          {clusters.length > 1 && state.view !== "now" && (
            <select
              aria-label="Cluster"
              value={state.cluster}
              onChange={(event) =>
                go({ ...NO_CHOICE, cluster: event.target.value })
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
          <select
            aria-label="Time zone"
            value={state.zone ?? ""}
            onChange={(event) => go({ zone: event.target.value || undefined }, { replace: true })}
          >
            <option value="">{nameOfZone()}</option>
            <option value="utc">UTC</option>
          </select>
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

// Before all others: the token leaves the address at once.
const offeredFirst = takeFromAddress(location, history, sessionStorage);
render(<App />, document.body);
