// What the page loads from the API, and keeps loading.

import { useEffect, useRef, useState } from "preact/hooks";

import { span } from "./address.js";
import { pathTo } from "./api.js";
import { Log } from "./log.js";
import { polling } from "./polling.js";

const FILTERS = ["cluster", "app", "type", "severity", "text"];
const PASSING = ["offline", "busy"]; // troubles that may be gone at the next try

/** Asks for `path` until it is there; then again and again while `goesOn(answer)`. */
export function useAnswer(get, path, goesOn = () => false, seconds = 5) {
  const [found, setFound] = useState({ path });
  const again = useRef(() => {});
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    let [finished, last] = [false, undefined];
    const poll = polling(async () => {
      if (finished) return;
      try {
        last = await get(path, {}, stop.signal);
        setFound({ path, answer: last, at: Date.now() });
        finished = !goesOn(last);
      } catch (trouble) {
        if (stop.signal.aborted) return;
        setFound({ path, answer: last, trouble });
        finished = !PASSING.includes(trouble.kind);
        throw trouble;
      }
    }, seconds);
    again.current = () => {
      finished = false;
      poll.now();
    };
    return () => {
      stop.abort();
      poll.stop();
    };
  }, [get, path]);
  const current = found.path === path ? found : {};
  return { ...current, again: () => again.current() };
}

/** The events that the state asks for, live unless it names its end. */
export function useLog(get, state) {
  const kept = useRef({});
  const [status, setStatus] = useState({ loading: true });
  const [, setVersion] = useState(0);
  const filters = Object.fromEntries(FILTERS.map((name) => [name, state[name]]));
  const key = JSON.stringify(filters);

  useEffect(() => {
    if (!state.cluster) return undefined;
    const stop = new AbortController();
    const { from, to, live } = span(state, Date.now());
    if (
      kept.current.key !== key ||
      kept.current.get !== get ||
      !kept.current.log.touches(from, to)
    ) {
      const log = new Log((asked) => kept.current.fetch(asked), live ? undefined : to);
      kept.current = { key, get, log };
    }
    const { log } = kept.current;
    kept.current.fetch = async (asked) => {
      const page = await get("events", { ...filters, ...asked }, stop.signal);
      setVersion((version) => version + 1);
      return page;
    };
    let [whole, finished] = [false, false];
    setStatus({ loading: true });
    const poll = polling(async () => {
      if (finished) return;
      try {
        if (!whole && log.reach !== Infinity && to > log.head)
          await log.catchUp(live ? undefined : to);
        if (!whole) await log.reachBack(from);
        else if (live) await log.catchUp();
        whole = true;
        setStatus({ loading: false, cut: log.reach > from });
        finished = !live;
      } catch (trouble) {
        if (stop.signal.aborted) return;
        setStatus({ loading: false, trouble });
        finished = !PASSING.includes(trouble.kind);
        throw trouble;
      }
    }, 5);
    const again = () => {
      [whole, finished] = [false, false];
      poll.now();
    };
    kept.current.again = again;
    return () => {
      stop.abort();
      poll.stop();
    };
  }, [get, key, state.from, state.to, state.last]);

  /** Let the log load something, and tell how that went. */
  async function load(work) {
    try {
      await work(kept.current.log);
    } catch (trouble) {
      if (trouble.kind) setStatus((status) => ({ ...status, trouble }));
    }
    setVersion((version) => version + 1);
  }

  const log = kept.current.key === key ? kept.current.log : undefined;
  return { log, ...status, load, again: () => kept.current.again?.() };
}

/** The stretches in which a relay was not listening: only the events' bodies tell them. */
export function useGaps(get, events) {
  const [gaps, setGaps] = useState(new Map());
  const asked = useRef(new Set());
  useEffect(() => {
    const fresh = events.filter(
      (event) => event.type === "relay_gap" && !asked.current.has(event.id),
    );
    for (const { id, cluster, time } of fresh.slice(0, 50)) {
      asked.current.add(id);
      get(pathTo("events", cluster, id)).then(
        ({ event }) => {
          const [from, to] = [Date.parse(event?.from), Date.parse(event?.to)];
          if (from <= to)
            setGaps((known) => new Map(known).set(id, { id, cluster, time, from, to }));
        },
        () => asked.current.delete(id),
      );
    }
  }, [get, events]);
  return [...gaps.values()];
}
