// Which events: filters, and the time in view.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { RANGES, span, spanState } from "./address.js";
import { filterOf, suggested } from "./apps.js";
import { usePage } from "./page.js";
import { withoutFilters } from "./notices.jsx";
import { visible } from "./text.js";
import { fromField, toField } from "./times.js";

const SEVERITY = [
  ["", "all"],
  ["notice", "notice or worse"],
  ["warning", "warning or worse"],
  ["error", "errors"],
];

export function Filters({ apps, types }) {
  const { state, go } = usePage();
  const [open, setOpen] = useState(false); // on a phone; where there is room they always are
  const isFiltered = [state.app, state.find, state.type, state.severity, state.text].some(Boolean);
  return (
    <form
      class={`filters ${open ? "open" : ""}`}
      role="search"
      aria-label="Filters"
      onSubmit={(event) => event.preventDefault()}
    >
      <button type="button" class="more" aria-expanded={open} onClick={() => setOpen(!open)}>
        Filters{isFiltered && " ●"}
      </button>
      <AppField apps={apps} />
      <Field name="type" label="Type" hint="any" options={types} />
      <label>
        <span>Severity</span>
        <select
          value={state.severity ?? ""}
          onChange={(event) => go({ severity: event.target.value })}
        >
          {SEVERITY.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <Field name="text" label="Title has" hint="any text" />
      {isFiltered && (
        <button type="button" onClick={() => go(withoutFilters(state))}>
          Clear
        </button>
      )}
    </form>
  );
}

/** An app, a part of its path, or all apps below a path. */
export function AppField({ apps }) {
  const { state, go } = usePage();
  return (
    <Text
      name="app"
      label="App"
      hint="a part of its path"
      given={state.find ?? state.app ?? ""}
      options={(typed) => suggested(apps, typed)}
      use={(value) => go({ ...filterOf(value, apps), at: undefined })}
    />
  );
}

function Field({ name, label, hint, options }) {
  const { state, go } = usePage();
  return (
    <Text
      name={name}
      label={label}
      hint={hint}
      given={state[name] ?? ""}
      options={options && (() => options)}
      use={(value) => go({ [name]: value.trim(), at: undefined })}
    />
  );
}

/** A text that is used once its writer has paused. `options(text)`: what is suggested. */
function Text({ name, label, hint, given, options, use }) {
  const [value, setValue] = useState(given);
  const known = useRef(given); // what else changes it replaces what is typed
  useLayoutEffect(() => {
    if (given !== known.current) setValue(given);
    known.current = given;
  }, [given]);
  useEffect(() => {
    if (value.trim() === given) return undefined;
    const timer = setTimeout(() => {
      known.current = value.trim();
      use(value);
    }, 500);
    return () => clearTimeout(timer);
  }, [value]);
  return (
    <>
      <label class={`field-${name}`}>
        <span>{label}</span>
        <input
          value={value}
          placeholder={hint}
          list={options && `${name}s`}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setValue(event.target.value)}
        />
      </label>
      {options && (
        <datalist id={`${name}s`}>
          {options(value).map((each) => (
            <option key={each} value={each}>
              {visible(each)}
            </option>
          ))}
        </datalist>
      )}
    </>
  );
}

export function Range({ zoom, pan }) {
  const { state, go, clock } = usePage();
  const [open, setOpen] = useState(false);
  const live = !state.from;
  const box = useRef();
  useClosing(box, open, () => setOpen(false));
  return (
    <div class="range" role="group" aria-label="Time in view" ref={box}>
      <div class="choices">
        {Object.keys(RANGES).map((name) => (
          <button
            key={name}
            aria-pressed={live && (state.last ?? "day") === name}
            onClick={() => {
              setOpen(false);
              go({ last: name, from: undefined, to: undefined, at: undefined });
            }}
          >
            last {name}
          </button>
        ))}
        <button aria-expanded={open} aria-pressed={!live} onClick={() => setOpen(!open)}>
          range …
        </button>
      </div>
      <div class="choices">
        <button aria-label="Earlier" onClick={() => pan(-0.5)}>
          ←
        </button>
        <button aria-label="Zoom out" onClick={() => zoom(0.5)}>
          −
        </button>
        <button aria-label="Zoom in" onClick={() => zoom(2)}>
          +
        </button>
        <button aria-label="Later" onClick={() => pan(0.5)}>
          →
        </button>
      </div>
      {open && <Exact key={`${state.from} ${clock.utc}`} close={() => setOpen(false)} />}
    </div>
  );
}

/** Closes what is open by Escape, by a click elsewhere, and when one goes elsewhere. */
function useClosing(box, open, close) {
  useLayoutEffect(() => {
    if (!open) return undefined;
    const key = (event) => event.key === "Escape" && close();
    const pressed = (event) => box.current.contains(event.target) || close();
    const listening = [["keydown", key], ["pointerdown", pressed], ["popstate", close]];
    for (const [name, act] of listening) addEventListener(name, act);
    return () => {
      for (const [name, act] of listening) removeEventListener(name, act);
    };
  }, [open]);
}

function Exact({ close }) {
  const { state, go, clock } = usePage();
  const { from, to } = span(state, Date.now());
  const [wrong, setWrong] = useState(false);
  function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const [begin, end] = ["from", "to"].map((name) => fromField(form.get(name), clock.utc));
    setWrong(!(begin < end));
    if (!(begin < end)) return;
    go(spanState(begin, end));
    close();
  }
  return (
    <form class="exact" onSubmit={submit} aria-label="Range">
      <label>
        <span>From</span>
        <input
          type="datetime-local"
          name="from"
          step="1"
          required
          defaultValue={toField(from, clock.utc)}
        />
      </label>
      <label>
        <span>To</span>
        <input
          type="datetime-local"
          name="to"
          step="1"
          required
          defaultValue={toField(to, clock.utc)}
        />
      </label>
      <button class="primary">Show</button>
      {wrong && (
        <p class="wrong" role="alert">
          The range must end after it begins.
        </p>
      )}
    </form>
  );
}
