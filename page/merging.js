// Where too many marks are in view, those that are close to each other become one, with a count.
// So what a picture costs follows from its width, not from the number of events.

import { SEVERITIES } from "./text.js";

// Widths in pixels: of one event's mark; of several events', which says how many there are of the
// worst; and of the number of the rest beside that.
export const ONE = 9;
export const MANY = 24;
export const REST = 28;

const PIXELS = MANY + REST + 6; // what a mark needs at most
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
  for (const event of marks) {
    const place = Math.floor(event.time / span);
    if (made.at(-1)?.place !== place) made.push({ place, events: [], severity: "info", worst: 0 });
    const mark = made.at(-1);
    mark.events.push(event);
    if (SEVERITIES.indexOf(event.severity) > SEVERITIES.indexOf(mark.severity)) {
      mark.severity = event.severity;
      mark.worst = 0;
    }
    if (event.severity === mark.severity) mark.worst += 1;
  }
  made.forEach((mark, n) => {
    mark.time = placeOf(mark, made[n - 1]?.place, made[n + 1]?.place, span);
  });
  return made;
}

/** Where a mark stands: at its events, but within its own part, so that it covers no other mark. */
function placeOf({ place, events }, before, after, span) {
  const half = (widthOf(events.length) / 2 / PIXELS) * span;
  const [first, last] = [events[0].time, events.at(-1).time];
  const from = place * span + (before === place - 1 ? half : 0);
  const to = (place + 1) * span - (after === place + 1 ? half : 0);
  return Math.min(Math.max((first + last) / 2, from), to);
}

function widthOf(count) {
  return count > 1 ? MANY + REST : ONE;
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
