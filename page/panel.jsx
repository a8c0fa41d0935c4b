// What is open beside the view: one event, or the story of one deployment.

import { useEffect, useRef } from "preact/hooks";

import { usePage } from "./page.js";

export function Panel({ title, children }) {
  const { go } = usePage();
  const heading = useRef();
  useEffect(() => {
    const before = document.activeElement;
    heading.current.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  const close = () => go({ event: undefined, deployment: undefined });
  return (
    <section
      class="panel"
      aria-label={title}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <header>
        <h2 tabIndex={-1} ref={heading}>
          {title}
        </h2>
        <button onClick={close} aria-label="Close">
          ✕
        </button>
      </header>
      {children}
    </section>
  );
}

/** Names and values; those without a value are left out. */
export function Facts({ facts }) {
  return (
    <dl>
      {Object.entries(facts)
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
