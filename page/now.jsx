// Now: is all well? What is open, what is under way, and what happened in the last 24 hours.

import { RANGES, iso } from "./address.js";
import { counted } from "./deployments.jsx";
import { grouped, mostFailing, pathOf, spanOf, worstFirst } from "./incidents.js";
import { useReports } from "./loading.js";
import { useNow, usePage } from "./page.js";
import { Ago, Go, Sign, State, Text, Time } from "./parts.jsx";
import { plural, some } from "./text.js";
import { formatDuration } from "./times.js";
import { concernsOf, count } from "./wellness.js";

const FEW = 5;
const MARGIN = 600_000; // shown before and after an incident

export function Now({ clusters }) {
  const { get } = usePage();
  const now = useNow(1000);
  const names = clusters.map(({ name }) => name);
  const reports = useReports(get, names, now - RANGES.day);
  const shown = clusters.map((cluster) => {
    const report = reports.get(cluster.name);
    const concerns = concernsOf(cluster, report);
    return { cluster, report, concerns, open: worstFirst(grouped(cluster.incidents)) };
  });
  const open = shown.reduce((sum, each) => sum + each.open.length, 0);
  const others = shown.reduce((sum, { concerns }) => sum + count(concerns), 0);
  const isCalm = !open && !others && shown.every(({ report }) => report);
  return (
    <section class="now">
      <h2 class={`verdict ${isCalm ? "calm" : ""}`}>{verdict(open, others, isCalm)}</h2>
      {shown.map((each) => (
        <Cluster key={each.cluster.name} {...each} now={now} />
      ))}
    </section>
  );
}

function verdict(open, others, isCalm) {
  if (open) return plural(open, "open incident");
  if (others) return `${plural(others, "thing")} to look at`;
  return isCalm ? "All is well" : "No open incident";
}

function Cluster({ cluster, report, concerns, open, now }) {
  const { name, newest, deployments = [] } = cluster;
  const calm = !open.length && !deployments.length && !count(concerns);
  return (
    <article class="cluster">
      <header>
        <h3>
          <Go to={{ view: "timeline", cluster: name, app: undefined }}>
            <Text>{name}</Text>
          </Go>
        </h3>
        <p>
          {newest ? (
            <>
              last event <Ago time={Date.parse(newest)} now={now} />
            </>
          ) : (
            "no event yet"
          )}
        </p>
      </header>
      {open.length > 0 && (
        <ul class="incidents" aria-label={`Open incidents of ${name}`}>
          {open.map((group) => (
            <Open key={group.key} cluster={name} group={group} now={now} />
          ))}
        </ul>
      )}
      <Concerns name={name} concerns={concerns} />
      {deployments.length > 0 && (
        <ul class="running" aria-label={`Running deployments of ${name}`}>
          {deployments.map((each) => (
            <Running key={each.id} cluster={cluster} deployment={each} now={now} />
          ))}
        </ul>
      )}
      {calm && <p class="quiet">No open incident, no running deployment.</p>}
      {report && <LastDay name={name} report={report} now={now} />}
    </article>
  );
}

/** What is not well though no incident is open. */
function Concerns({ name, concerns: { failed, silent } }) {
  if (!failed.length && !silent) return null;
  return (
    <ul class="incidents" aria-label={`What to look at in ${name}`}>
      {silent && (
        <li>
          <Sign severity="warning" />
          <div>
            <strong>Nothing ever came from this Marathon</strong>
            <p>scripts/doctor.py says why.</p>
          </div>
        </li>
      )}
      {failed.map((each) => (
        <li key={each.id}>
          <Sign severity="error" />
          <Deployed deployment={each} words="The last deployment failed" />
          <Time time={each.ended_at ?? each.started_at} style="short" />
        </li>
      ))}
    </ul>
  );
}

/** An open incident, or several of one cause. */
function Open({ cluster, group: { incidents, apps, severity, from, name, words }, now }) {
  const [first] = incidents;
  const times = incidents.reduce((sum, each) => sum + (each.count ?? 0), 0);
  const silenced = incidents.every((each) => each.silenced_until) && first.silenced_until;
  return (
    <li>
      <Sign severity={severity} />
      <div>
        <Go to={{ cluster, ...targetOf(first, incidents, now) }}>
          <Text>{name}</Text>
        </Go>
        <p>
          <Text>{[words, times > 1 && `${times} times`].filter(Boolean).join(" · ")}</Text>
        </p>
        {apps.length > 1 && (
          <p>
            <Text>{some(apps, FEW)}</Text>
          </p>
        )}
        {first.deployment && (
          <p>
            after{" "}
            <Go to={{ cluster, deployment: first.deployment, event: undefined }}>a deployment</Go>
            {first.by && (
              <>
                {" "}
                by <Text>{first.by}</Text>
              </>
            )}
          </p>
        )}
        {silenced && (
          <p>
            silenced until <Time time={silenced} style="short" />
          </p>
        )}
      </div>
      <Ago time={from} now={now} />
    </li>
  );
}

/** Where an incident is to be seen: on the timeline, from a little before it. */
function targetOf(incident, all, now) {
  const [kind, ...rest] = incident.subject.split(":");
  if (kind === "deployment") return { deployment: rest.join(":"), event: undefined };
  const { from, to } = spanOf(incident);
  const app = all.length === 1 ? pathOf(incident) : undefined;
  const time = { from: iso(from - MARGIN), to: iso((to ?? now) + MARGIN) };
  const isRecent = now - from < RANGES.day && !to;
  return { view: "timeline", app, find: undefined, ...(isRecent ? { last: "day" } : time) };
}

function Running({ cluster, deployment, now }) {
  const { id, apps = [], started_at: started, step, steps, stuck_since: stuck } = deployment;
  const { cause } = cluster.incidents.find(({ subject }) => subject === `deployment:${id}`) ?? {};
  return (
    <li>
      <span class={`state ${stuck ? "failed" : "running"}`}>{stuck ? "stands still" : "deploying"}</span>
      <div>
        <Go to={{ cluster: cluster.name, deployment: id, event: undefined }}>
          <Text>{some(apps) || id}</Text>
        </Go>
        {steps && (
          <p>
            step {step} of {steps}{" "}
            <progress max={steps} value={step - 1} aria-label={`step ${step} of ${steps}`} />
          </p>
        )}
        {stuck && (
          <p>
            no step began or ended since <Time time={stuck} style="short" />
            {cause && (
              <>
                : <Text>{cause}</Text>
              </>
            )}
          </p>
        )}
      </div>
      {started && <Ago time={Date.parse(started)} now={now} />}
    </li>
  );
}

function LastDay({ name, report: { deployments, incidents, gaps }, now }) {
  const failed = deployments.filter(({ state }) => state === "failed");
  const resolved = incidents.filter(({ resolved_at: at }) => at);
  const failing = mostFailing(incidents).slice(0, FEW);
  return (
    <section class="day" aria-label={`The last 24 hours of ${name}`}>
      <h4>The last 24 hours</h4>
      <p>
        <Go to={{ view: "deployments", cluster: name, last: "day", outcome: undefined }}>
          {deployments.length ? counted(deployments) : "No deployment"}
        </Go>
        {failing.length > 0 && ", failed most: "}
        {failing.map(([path, times], n) => (
          <>
            {n > 0 && ", "}
            <Go key={path} to={{ view: "timeline", cluster: name, app: path, last: "day" }}>
              <Text>{path}</Text>
            </Go>{" "}
            {times}×
          </>
        ))}
        {gaps.length > 0 && `, ${plural(gaps.length, "gap")} in which a relay was not listening`}.
      </p>
      {failed.length > 0 && (
        <ul aria-label={`Failed deployments of ${name}`}>
          {failed.slice(0, FEW).map((each) => (
            <li key={each.id}>
              <State state={each.state} />
              <Deployed deployment={each} />
              <Time time={each.ended_at ?? each.started_at} style="short" />
            </li>
          ))}
        </ul>
      )}
      {resolved.length > 0 && (
        <ul aria-label={`Resolved incidents of ${name}`}>
          {grouped(resolved).slice(-FEW).reverse().map((group) => (
            <Resolved key={group.key} cluster={name} group={group} now={now} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Deployed({ deployment: { id, cluster, apps, changed, started_by: by }, words }) {
  return (
    <div>
      <Go to={{ cluster, deployment: id, event: undefined }}>
        <Text>{some(apps) || id}</Text>
      </Go>
      <p>
        <Text>{[words, changed, by && `by ${by}`].filter(Boolean).join(" · ")}</Text>
      </p>
    </div>
  );
}

function Resolved({ cluster, group: { incidents, from, name, words }, now }) {
  const [first] = incidents;
  const end = Math.max(...incidents.map((each) => spanOf(each).to));
  return (
    <li>
      <span class="state succeeded">resolved</span>
      <div>
        <Go to={{ cluster, ...targetOf(first, incidents, now) }}>
          <Text>{name}</Text>
        </Go>
        <p>
          <Text>{[words, formatDuration((end - from) / 1000)].filter(Boolean).join(" · ")}</Text>
        </p>
      </div>
      <Time time={end} style="short" />
    </li>
  );
}
