// What the page loads from the API, and keeps loading.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { span } from "./address.js";
import { isWanted, pathsOf } from "./apps.js";
import { pathTo } from "./api.js";
import { Log } from "./log.js";
import { polling } from "./polling.js";

const FILTERS = ["cluster", "app", "find", "type", "severity", "text"];
const PASSING = ["offline", "busy"]; // errors that may be gone at the next try
const LOG_SECONDS = 5;
const LIST_SECONDS = 20;
const MOST_LISTED = 500;
const STEP = 300_000; // a list's beginning moves on in such steps, so that it is one question
const BEFORE = 6 * 3_600_000; // a deployment that reaches into a time may have begun before it

/**
 * Asks for `path` until it is there; then again and again while `goesOn(answer)`. While only the
 * beginning or the end of a list's time moves on, the answer before stays.
 */
export function useAnswer(get, path, goesOn = () => false, seconds = 5, parameters = {}) {
  const { since, until, ...rest } = parameters;
  const question = path && JSON.stringify([path, parameters]);
  const key = path && JSON.stringify([path, rest, Boolean(since), Boolean(until)]);
  const [found, setFound] = useState({ key });
  const again = useRef(() => {});
  useEffect(() => {
    if (!question) return undefined;
    const stop = new AbortController();
    let [finished, last] = [false, found.key === key ? found.answer : undefined];
    const poll = polling(async () => {
      if (finished) return;
      try {
        last = await get(path, parameters, stop.signal);
        setFound({ key, answer: last });
        finished = !goesOn(last);
      } catch (error) {
        if (stop.signal.aborted) return;
        setFound({ key, answer: last, error });
        finished = !PASSING.includes(error.kind);
        throw error;
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
  }, [get, question]);
  const current = found.key === key ? found : {};
  return { ...current, again: () => again.current() };
}

/**
 * The deployments and the incidents of a cluster and a time; `to` is left out where the time goes
 * on. What can't be had is an empty list: the events are there all the same.
 */
export function useHistory(get, cluster, from, to) {
  const since = cluster && Math.floor((from - BEFORE) / STEP) * STEP;
  const until = to && Math.ceil(to / STEP) * STEP;
  const parameters = { cluster, since: isoOf(since), until: isoOf(until) };
  const ask = (path, more) =>
    useAnswer(get, cluster && path, () => !to, LIST_SECONDS, { ...parameters, ...more });
  const { answer: listed } = ask("deployments", { limit: MOST_LISTED });
  const { answer: noted } = ask("incidents");
  return useMemo(
    () => ({
      deployments: listed?.deployments ?? [],
      more: Boolean(listed?.cursor),
      incidents: noted?.incidents ?? [],
      loaded: Boolean(listed),
    }),
    [listed, noted],
  );
}

/**
 * What happened in the clusters since then, by their names. Each costs the same three questions,
 * however many events there are.
 */
export function useReports(get, names, from) {
  const since = isoOf(Math.floor(from / STEP) * STEP);
  const ask = useMemo(
    () => async (_, asked, signal) => {
      const reports = asked.names.map((name) => reportOf(get, name, asked.since, signal));
      return new Map(await Promise.all(reports));
    },
    [get],
  );
  const { answer } = useAnswer(ask, "reports", () => true, LIST_SECONDS, { names, since });
  return answer ?? new Map();
}

async function reportOf(get, cluster, since, signal) {
  const ask = (path, more) => get(path, { cluster, since, ...more }, signal).catch(noneIfMissing);
  const [listed, noted, told] = await Promise.all([
    ask("deployments", { limit: MOST_LISTED }),
    ask("incidents"),
    ask("events", { subject: "marathon", type: "relay_gap", limit: MOST_LISTED }),
  ]);
  const { deployments = [], cursor } = listed;
  const report = { deployments, incidents: noted.incidents ?? [], gaps: told.events ?? [] };
  return [cluster, { ...report, more: Boolean(cursor) }];
}

/** An older API lacks some lists: then there is nothing in them. Other errors stay errors. */
function noneIfMissing(error) {
  if (![403, 404].includes(error.status)) throw error;
  return {};
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
    const time = span(state, Date.now());
    if (!isKept(kept.current, key, get, time)) {
      const log = new Log((asked) => kept.current.fetch(asked), time.live ? undefined : time.to);
      kept.current = { key, get, log };
    }
    kept.current.fetch = async (asked) => {
      const page = await pageOf(get, filters, asked, stop.signal);
      setVersion((version) => version + 1);
      return page;
    };
    setStatus({ loading: true });
    const load = loader(kept.current.log, time, stop.signal, setStatus);
    const poll = polling(load.turn, LOG_SECONDS);
    kept.current.again = () => {
      load.restart();
      poll.now();
    };
    return () => {
      stop.abort();
      poll.stop();
    };
  }, [get, key, state.from, state.to, state.last]);

  /** Let the log load something, and tell how that went. */
  async function load(work) {
    try {
      await work(kept.current.log);
    } catch (error) {
      if (error.kind) setStatus((before) => ({ ...before, error }));
    }
    setVersion((version) => version + 1);
  }

  const log = kept.current.key === key ? kept.current.log : undefined;
  return { log, ...status, load, again: () => kept.current.again?.() };
}

function isKept(kept, key, get, { from, to }) {
  return kept.key === key && kept.get === get && kept.log.touches(from, to);
}

/** Loads a time whole, and then what is new if it goes on: one turn after the other. */
function loader(log, { from, to, live }, signal, setStatus) {
  let [whole, finished] = [false, false];

  async function loadOn() {
    if (whole) return live ? log.catchUp() : undefined;
    if (log.reach !== Infinity && to > log.head) await log.catchUp(live ? undefined : to);
    return log.reachBack(from);
  }

  async function turn() {
    if (finished) return;
    try {
      await loadOn();
      whole = true;
      setStatus({ loading: false });
      finished = !live;
    } catch (error) {
      if (signal.aborted) return;
      setStatus({ loading: false, error });
      finished = !PASSING.includes(error.kind);
      throw error;
    }
  }

  function restart() {
    [whole, finished] = [false, false];
  }

  return { turn, restart };
}

/** A page of events. The API knows whole paths; a part of one is looked for here. */
async function pageOf(get, { find, ...filters }, asked, signal) {
  const page = await get("events", { ...filters, ...asked }, signal);
  const isFound = (event) => pathsOf(event).some((path) => isWanted(path, { find }));
  return find ? { ...page, events: page.events.filter(isFound) } : page;
}

function isoOf(time) {
  return time ? new Date(time).toISOString() : undefined;
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
  return useMemo(() => [...gaps.values()], [gaps]);
}
