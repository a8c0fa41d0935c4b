// Event: its summary and its body.

import { addressOf, pathTo } from "./api.js";
import { asCurl, asJson } from "./copying.js";
import { useAnswer } from "./loading.js";
import { Failed, Loading } from "./notices.jsx";
import { usePage } from "./page.js";
import { Facts, Panel } from "./panel.jsx";
import { Copy, Go, Sign, Text, Time } from "./parts.jsx";
import { visible } from "./text.js";
import { Tree } from "./tree.jsx";

export function EventPanel({ cluster, id }) {
  const { get } = usePage();
  const path = safely(() => pathTo("events", cluster, id));
  const { answer, error, again } = useAnswer(get, path);
  return (
    <Panel title="Event" key={id}>
      {answer && <Shown event={answer} path={path} />}
      {!answer && (error ?? !path) && (
        <Failed error={error ?? { kind: "missing" }} again={again} />
      )}
      {!answer && !error && path && <Loading what="the event" />}
    </Panel>
  );
}

export function safely(make) {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function Shown({ event: { event, event_omitted: omitted, ...summary }, path }) {
  const { app, subject, deployment, host, task, instance, status, type, cause } = summary;
  const text = (value) => value && <Text>{value}</Text>;
  return (
    <>
      <p class="headline">
        <Sign severity={summary.severity} /> <Text>{summary.title}</Text>
      </p>
      <Facts
        facts={{
          When: <Time time={summary.timestamp} />,
          Received: <Time time={summary.received_at} />,
          App: app && (
            <Go to={{ view: "timeline", app, event: undefined }}>
              <Text>{app}</Text>
            </Go>
          ),
          Subject: !app && text(subject),
          Deployment: deployment && (
            <Go to={{ deployment, event: undefined }}>
              <Text>{deployment}</Text>
            </Go>
          ),
          Status: text(status),
          Host: text(host),
          Task: text(task),
          Instance: text(instance),
          Type: text(type),
          "Not understood": text(cause),
          Severity: summary.severity,
          Id: text(summary.id),
        }}
      />
      <div class="row">
        <Copy text={() => asJson(event)}>Copy as JSON</Copy>
        <Copy text={() => asCurl(addressOf(location.href, path))}>Copy as curl</Copy>
      </div>
      <p class="hint">
        The curl line takes your token from the variable TOKEN; it does not hold it.
      </p>
      {omitted && (
        <p class="hint">The body is left out: it is {omitted}. scripts/events.py show has it.</p>
      )}
      {typeof event === "object" && event !== null ? (
        <Tree value={event} />
      ) : (
        <pre class="raw" tabIndex={0}>
          {visible(event ?? "").replaceAll("\\u000a", "\n")}
        </pre>
      )}
    </>
  );
}
