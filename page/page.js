// What all parts of the page know: its state, the way to change it, the API, the clock.

import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useState } from "preact/hooks";

import { read, write } from "./address.js";

export const Page = createContext();

export function usePage() {
  return useContext(Page);
}

/** The state in the address, and a function that changes a part of it. */
export function useAddress() {
  const [state, setState] = useState(() => read(location.hash));
  useLayoutEffect(() => {
    const changed = () => setState(read(location.hash));
    addEventListener("popstate", changed);
    return () => removeEventListener("popstate", changed);
  }, []);
  function go(changes, { replace = false } = {}) {
    const next = { ...read(location.hash), ...changes };
    history[replace ? "replaceState" : "pushState"](null, "", write(next));
    setState(next);
  }
  return [state, go];
}

/** The time, anew after so many milliseconds. */
export function useNow(milliseconds) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
  return now;
}

/** Whether it has been so for more than three seconds. */
export function useSlow(waiting) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    setSlow(false);
    if (!waiting) return undefined;
    const timer = setTimeout(() => setSlow(true), 3000);
    return () => clearTimeout(timer);
  }, [waiting]);
  return slow;
}
