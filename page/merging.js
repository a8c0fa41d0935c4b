// Where too many marks are in view, those that are close to each other become one, with a count.
// So what a picture costs follows from its width, not from the number of events.

import { SEVERITIES } from "./text.js";

const PIXELS = 26; // the width that a mark with its count needs
const KEPT_LEVELS = 4;

/**
 * The length of time that becomes one mark: a power of two, so that marks merge and part at few
 * levels of zoom, and never while the timeline is only moved.
 */
export function spanOf(millisecondsPerPixel) {
  return 2 ** Math.ceil(Math.log2(PIXELS * millisecondsPerPixel));
}

/** A row's marks of that level, from old to new. Made once, and kept. */
export function merged(row, span) {
  if (!row.levels.has(span)) {
    if (row.levels.size >= KEPT_LEVELS) row.levels.delete(row.levels.keys().next().value);
    row.levels.set(span, merge(row.marks, span));
  }
  return row.levels.get(span);
}

/** Those of a sorted list that lie between two times, and their neighbours. */
export function between(sorted, from, to, timeOf) {
  const begin = Math.max(0, firstAfter(sorted, from, timeOf) - 1);
  return sorted.slice(begin, firstAfter(sorted, to, timeOf) + 1);
}

function merge(marks, span) {
  const made = [];
  let slot;
  for (const event of marks) {
    const place = Math.floor(event.time / span);
    if (slot !== place) {
      slot = place;
      made.push({ events: [], middle: (place + 0.5) * span, severity: "info" });
    }
    const mark = made.at(-1);
    mark.events.push(event);
    if (SEVERITIES.indexOf(event.severity) > SEVERITIES.indexOf(mark.severity)) {
      mark.severity = event.severity;
    }
  }
  // In the middle of their time, so that marks keep their distance, but not beside their events.
  for (const mark of made) {
    mark.time = Math.min(Math.max(mark.middle, mark.events[0].time), mark.events.at(-1).time);
  }
  return made;
}

function firstAfter(sorted, time, timeOf) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(sorted[middle]) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
