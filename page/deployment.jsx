// Deployment: its story. Who, when, its steps, what failed and why, what changed, the events.

import { pathTo } from "./api.js";
import { Changes } from "./difference.jsx";
import { safely } from "./event.jsx";
import { useAnswer } from "./loading.js";
import { Failed, Loading } from "./notices.jsx";
import { useNow, usePage } from "./page.js";
import { Facts, Panel } from "./panel.jsx";
import { EventLink, Go, State, Text, Time } from "./parts.jsx";
import { formatDuration } from "./times.js";

const FEW = 50;

export function DeploymentPanel({ cluster, id }) {
  const { get } = usePage();
  const path = safely(() => pathTo("deployments", cluster, id));
  const { answer, error, again } = useAnswer(get, path, (story) => story.state === "running");
  return (
    <Panel title="Deployment" key={id}>
      {answer && <Story story={answer} />}
      {!answer && (error ?? !path) && (
        <Failed error={error ?? { kind: "missing" }} again={again} />
      )}
      {!answer && !error && path && <Loading what="the deployment" />}
    </Panel>
  );
}

function Story({ story }) {
  const { apps = [], steps = [], changes = [], failures = [], events = [] } = story;
  const text = (value) => value && <Text>{value}</Text>;
  return (
    <>
      <p class="headline">
        <State state={story.state} /> {apps.length > 0 && <Apps apps={apps} />}
      </p>
      <Facts
        facts={{
          Began: story.started_at && <Time time={story.started_at} />,
          Ended: story.ended_at && <Time time={story.ended_at} />,
          Took: story.seconds !== undefined && formatDuration(story.seconds),
          By: text(story.started_by),
          Reason: text(story.reason),
          Waits: story.waiting && <Text>{story.waiting.join("; ")}</Text>,
          Id: text(story.id),
        }}
      />
      {steps.length > 0 && (
        <section>
          <h3>Steps</h3>
          <Gantt story={story} />
        </section>
      )}
      {failures.length > 0 && (
        <section>
          <h3>What failed</h3>
          <Events events={failures} />
        </section>
      )}
      {changes.length > 0 && (
        <section class="changes">
          <h3>What changed</h3>
          <Changes changes={changes} />
        </section>
      )}
      <section>
        <h3>Events</h3>
        <Events events={events} />
      </section>
    </>
  );
}

function Apps({ apps }) {
  return apps.map((app, n) => (
    <>
      {n > 0 && ", "}
      <Go to={{ view: "timeline", app, deployment: undefined }} key={app}>
        <Text>{app}</Text>
      </Go>
    </>
  ));
}

function Events({ events }) {
  return (
    <ol class="events">
      {events.slice(-FEW).map((event) => (
        <li key={event.id}>
          <EventLink event={event} />
        </li>
      ))}
    </ol>
  );
}

/** Each step as a bar on the deployment's time. Steps without times have no bar. */
function Gantt({ story }) {
  const now = useNow(1000);
  const times = [story, ...story.steps]
    .flatMap((each) => [each.started_at, each.ended_at])
    .filter(Boolean)
    .map(Date.parse);
  const begin = Math.min(...times);
  const end = story.state === "running" ? now : Math.max(...times);
  const part = (time) => ((time - begin) / Math.max(1, end - begin)) * 100;
  return (
    <ol class="gantt">
      {story.steps.map((step) => {
        const from = step.started_at && part(Date.parse(step.started_at));
        const endsWithAll = ["running", "failed"].includes(step.state);
        const to = step.ended_at ? part(Date.parse(step.ended_at)) : endsWithAll ? 100 : from;
        return (
          <li key={step.number}>
            <div class="what">
              <span class="number">{step.number}</span>
              <span class="actions">
                {step.actions?.map(spoken).map((words, n) => (
                  <span key={n}>
                    <Text>{words}</Text>
                  </span>
                ))}
              </span>
              <State state={step.state} />
              <span class="took">{step.seconds !== undefined && formatDuration(step.seconds)}</span>
            </div>
            <div class="track">
              {from !== undefined && (
                <div
                  class={`bar ${step.state}`}
                  style={{ left: `${from}%`, width: `max(4px, ${to - from}%)` }}
                />
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function spoken({ action, app, from, to }) {
  // ScaleApplication → scale
  const verb = (action ?? "change")
    .replace(/(Application|Pod)$/, "")
    .replace(/\B[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();
  const count =
    from !== undefined && to !== undefined && from !== to
      ? ` from ${from} to ${to}`
      : to !== undefined && from !== to
        ? ` to ${to}`
        : "";
  return `${verb} ${app ?? ""}${count}`;
}
