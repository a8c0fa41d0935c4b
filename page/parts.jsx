// Small parts that several views show.

import { useState } from "preact/hooks";

import { write } from "./address.js";
import { usePage } from "./page.js";
import { sign, visible } from "./text.js";
import { ago } from "./times.js";

/** A link to a part of the page: the state with some changes. */
export function Go({ to, children, ...rest }) {
  const { state } = usePage();
  return (
    <a href={write({ ...state, ...to })} {...rest}>
      {children}
    </a>
  );
}

export function Sign({ severity }) {
  return (
    <span class={`sign ${severity}`} role="img" aria-label={severity}>
      {sign(severity)}
    </span>
  );
}

/** A text from an event. */
export function Text({ children }) {
  return <bdi>{visible(children)}</bdi>;
}

export function State({ state }) {
  return <span class={`state ${state}`}>{state}</span>;
}

export function Time({ time, style = "exact" }) {
  const { clock } = usePage();
  return (
    <time dateTime={new Date(time).toISOString()} title={clock.exact(time)}>
      {clock[style](time)}
    </time>
  );
}

export function Ago({ time, now }) {
  const { clock } = usePage();
  return (
    <time dateTime={new Date(time).toISOString()} title={clock.exact(time)}>
      {ago(now - time)}
    </time>
  );
}

export function Copy({ text, children }) {
  const [said, setSaid] = useState("");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text());
      setSaid("Copied");
    } catch {
      setSaid("The browser did not allow it");
    }
    setTimeout(() => setSaid(""), 2000);
  }
  return (
    <button onClick={copy}>
      {said || children}
      <span class="aside" aria-live="polite">
        {said}
      </span>
    </button>
  );
}

/** A row of one event, which opens it. */
export function EventLink({ event, style = "clock" }) {
  const { state } = usePage();
  const isOpen = state.event === event.id;
  return (
    <Go
      to={{ cluster: event.cluster, event: event.id, deployment: undefined }}
      class="event"
      aria-current={isOpen ? "true" : undefined}
    >
      <Time time={event.timestamp} style={style} />
      <Sign severity={event.severity} />
      <span class="title">
        <Text>{event.title}</Text>
      </span>
    </Go>
  );
}
