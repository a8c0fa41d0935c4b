// Deployments: what was deployed when, by whom, what changed, and how it ended.

import { useRef, useState } from "preact/hooks";

import { RANGES, iso } from "./address.js";
import { AppField } from "./filters.jsx";
import { useAnswer } from "./loading.js";
import { Failed, Loading } from "./notices.jsx";
import { usePage } from "./page.js";
import { Ago, Go, State, Text, Time } from "./parts.jsx";
import { plural, some } from "./text.js";
import { formatDuration } from "./times.js";

const OUTCOMES = ["failed", "cancelled", "succeeded", "running", "unknown"];
const PAGE = 50;
const SECONDS = 10;
const STEP = 60_000;

export function DeploymentsView({ cluster, now }) {
  const { state, get } = usePage();
  const since = state.last && iso(Math.floor((now - RANGES[state.last]) / STEP) * STEP);
  const asked = { cluster: cluster.name, app: state.app, outcome: state.outcome, since, limit: PAGE };
  const { answer, error, again } = useAnswer(get, "deployments", () => true, SECONDS, asked);
  const { found, more, loadMore } = useAllPages(get, asked, answer);
  return (
    <section class="deployments">
      <h2 class="aside">Deployments of {cluster.name}</h2>
      <DeploymentFilters found={found} />
      {error && <Failed error={error} again={again} />}
      {!answer && !error && <Loading what="deployments" />}
      {answer && !found.length && <p class="end">No deployment matches.</p>}
      {found.length > 0 && <Table deployments={found} now={now} />}
      {more && (
        <p class="edge">
          <button onClick={loadMore}>Older deployments</button>
        </p>
      )}
    </section>
  );
}

/** The newest page as it is now, with what was seen before, and the older pages on demand. */
function useAllPages(get, asked, newest) {
  const key = JSON.stringify({ ...asked, since: Boolean(asked.since) });
  const seen = useRef({});
  const [, setVersion] = useState(0);
  if (seen.current.key !== key) seen.current = { key, all: new Map() };
  const { all } = seen.current;
  for (const each of newest?.deployments ?? []) all.set(each.id, each);
  if (newest && !("next" in seen.current)) seen.current.next = nextOf(newest, asked);

  async function loadMore() {
    const { next } = seen.current;
    const page = await get("deployments", next);
    for (const each of page.deployments) if (!all.has(each.id)) all.set(each.id, each);
    seen.current.next = nextOf(page, next);
    setVersion((version) => version + 1);
  }

  const found = [...all.values()]
    .filter((each) => !asked.since || each.started_at >= asked.since)
    .sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
  return { found, more: Boolean(seen.current.next), loadMore };
}

/** The question for the page after this one; nothing after the last. */
function nextOf({ cursor }, asked) {
  return cursor && { ...asked, cursor };
}

function DeploymentFilters({ found }) {
  const { state, go } = usePage();
  return (
    <form class="tools picks" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <AppField apps={[...new Set(found.flatMap(({ apps }) => apps))].sort()} />
      <Choice
        label="Outcome"
        value={state.outcome}
        options={OUTCOMES}
        choose={(outcome) => go({ outcome })}
      />
      <Choice
        label="Began"
        value={state.last}
        options={Object.keys(RANGES)}
        choose={(last) => go({ last })}
        said={(name) => `in the last ${name}`}
      />
    </form>
  );
}

function Choice({ label, value, options, choose, said = (name) => name }) {
  return (
    <label>
      <span>{label}</span>
      <select value={value ?? ""} onChange={(event) => choose(event.target.value || undefined)}>
        <option value="">any</option>
        {options.map((each) => (
          <option key={each} value={each}>
            {said(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Table({ deployments, now }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Deployments, newest first">
      <table>
        <thead>
          <tr>
            {["Began", "Apps", "Changed", "By", "Ended", "Took"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {deployments.map((each) => (
            <Row key={each.id} deployment={each} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ deployment, now }) {
  const { state } = usePage();
  const { id, cluster, apps, changed, started_by: by, started_at: began, seconds } = deployment;
  const took = seconds ?? (deployment.state === "running" && (now - Date.parse(began)) / 1000);
  return (
    <tr aria-current={state.deployment === id ? "true" : undefined}>
      <td class="when">
        <Time time={began} style="short" /> <Ago time={Date.parse(began)} now={now} />
      </td>
      <td>
        <Go to={{ cluster, deployment: id, event: undefined }}>
          <Text>{some(apps) || id}</Text>
        </Go>
      </td>
      <td data-label="changed">{changed && <Text>{changed}</Text>}</td>
      <td data-label="by">{by && <Text>{by}</Text>}</td>
      <td>
        <State state={deployment.state} />
      </td>
      <td class="took">{took !== false && formatDuration(took)}</td>
    </tr>
  );
}

/** How the deployments of a time ended, in words: "12 deployments: 11 succeeded, 1 failed". */
export function counted(deployments) {
  const parts = OUTCOMES.map((outcome) => [
    outcome,
    deployments.filter(({ state }) => state === outcome).length,
  ]).filter(([, count]) => count);
  const all = plural(deployments.length, "deployment");
  if (parts.length === 1 && deployments.length > 1) return `${all}, all ${parts[0][0]}`;
  return parts.length ? `${all}: ${parts.map(([name, n]) => `${n} ${name}`).join(", ")}` : all;
}
