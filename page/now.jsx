// Now: is all well? Each cluster with its last event, open troubles and running deployments.

import { useNow, usePage } from "./page.js";
import { Ago, Go, Sign, Text } from "./parts.jsx";
import { plural } from "./text.js";

export function Now({ clusters }) {
  const now = useNow(1000);
  const count = clusters.reduce((sum, cluster) => sum + cluster.incidents.length, 0);
  return (
    <section class="now">
      <h2 class={`verdict ${count ? "" : "calm"}`}>
        {count ? `${plural(count, "open trouble")}` : "All is well"}
      </h2>
      {clusters.map((cluster) => (
        <Cluster key={cluster.name} cluster={cluster} now={now} />
      ))}
    </section>
  );
}

function Cluster({ cluster, now }) {
  const { name, newest, incidents: trouble, deployments } = cluster;
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
      {trouble.length > 0 && (
        <ul class="troubles" aria-label={`Open troubles of ${name}`}>
          {trouble.map((each) => (
            <Open key={each.subject} cluster={name} trouble={each} now={now} />
          ))}
        </ul>
      )}
      {deployments?.length > 0 && (
        <ul class="running" aria-label={`Running deployments of ${name}`}>
          {deployments.map((each) => (
            <Running key={each.id} cluster={name} deployment={each} now={now} />
          ))}
        </ul>
      )}
      {!trouble.length && !deployments?.length && (
        <p class="quiet">No open trouble, no running deployment.</p>
      )}
    </article>
  );
}

function Open({ cluster, trouble, now }) {
  const [kind, ...rest] = trouble.subject.split(":");
  const path = rest.join(":");
  const target =
    kind === "deployment"
      ? { deployment: path, event: undefined }
      : { view: "timeline", app: kind === "app" || kind === "pod" ? path : undefined };
  return (
    <li>
      <Sign severity={trouble.severity} />
      <div>
        <Go to={{ cluster, ...target }}>
          <Text>{path || trouble.subject}</Text>
        </Go>
        <p>
          <Text>{trouble.title}</Text>
        </p>
      </div>
      <Ago time={Date.parse(trouble.since)} now={now} />
    </li>
  );
}

function Running({ cluster, deployment, now }) {
  const { id, apps = [], started_at: started, step, steps } = deployment;
  const shown =
    apps.slice(0, 3).join(", ") + (apps.length > 3 ? ` and ${apps.length - 3} more` : "");
  return (
    <li>
      <span class="state running">deploying</span>
      <div>
        <Go to={{ cluster, deployment: id, event: undefined }}>
          <Text>{shown || id}</Text>
        </Go>
        {steps && (
          <p>
            step {step} of {steps}{" "}
            <progress max={steps} value={step - 1} aria-label={`step ${step} of ${steps}`} />
          </p>
        )}
      </div>
      {started && <Ago time={Date.parse(started)} now={now} />}
    </li>
  );
}
