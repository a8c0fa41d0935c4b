// Draws the timeline on its canvas. What it draws it also returns, to be found by pointer and keys.

import { between, merged, spanOf } from "./merging.js";
import { SEVERITIES } from "./text.js";

const MARK = 9;
const PILL = { width: 24, height: 17 };
const BAR = 13;
const LOUD = ["warning", "error"];
const LABEL_PIXELS = 64; // a bar this long has room for a word
const STATES = ["unknown", "succeeded", "cancelled", "running", "failed"]; // the last wins

/** `picture`: rows with their `top` and `height`, the scale, sizes, colours, gaps and now. */
export function draw(context, picture) {
  const { width, height, rows, scroll } = picture;
  context.clearRect(0, 0, width, height);
  context.font = picture.font;
  context.textBaseline = "middle";
  const inView = rows.filter((row) => row.top + row.height > scroll && row.top < scroll + height);
  ground(context, picture, inView);
  gaps(context, picture);
  const found = inView.flatMap((row) => [...barsIn(row, picture), ...marksIn(row, picture)]);
  context.save();
  context.beginPath();
  context.rect(picture.left, 0, width, height); // not over the names
  context.clip();
  bars(
    context,
    picture,
    found.filter((item) => item.bars),
  );
  marks(
    context,
    picture,
    found.filter((item) => item.events),
  );
  context.restore();
  return found;
}

export function drawAxis(context, { width, left, ticks, format, colours, font, x }) {
  context.clearRect(0, 0, width, 30);
  context.font = font;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (const tick of ticks) {
    if (x(tick) < left + 16 || x(tick) > width - 16) continue;
    context.fillStyle = colours.muted;
    context.fillText(format(tick), x(tick), 13);
    context.fillStyle = colours.line;
    context.fillRect(Math.round(x(tick)), 24, 1, 6);
  }
}

/** A ring around the item that has the focus. */
export function ring(context, item, colours) {
  context.strokeStyle = colours.focus;
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(item.x - 4, item.y - 4, item.width + 8, item.height + 8, 6);
  context.stroke();
}

function ground(context, { width, height, left, x, ticks, colours, scroll, now }, rows) {
  for (const row of rows) {
    if (row.kind === "group") {
      context.fillStyle = colours.band;
      context.fillRect(0, row.top - scroll, width, row.height);
    }
    context.fillStyle = colours.line;
    context.fillRect(0, row.top + row.height - scroll - 1, width, 1);
  }
  context.fillStyle = colours.grid;
  for (const tick of ticks)
    if (x(tick) >= left) context.fillRect(Math.round(x(tick)), 0, 1, height);
  if (x(now) >= left && x(now) <= width) {
    context.fillStyle = colours.focus;
    context.fillRect(Math.round(x(now)), 0, 1, height);
  }
}

/** The time in which a relay was not listening. */
function gaps(context, { gaps: all, x, left, width, height, colours }) {
  context.save();
  context.beginPath();
  for (const { from, to } of all) {
    const [begin, end] = [Math.max(left, x(from)), Math.min(width, Math.max(x(to), x(from) + 3))];
    if (end > begin) context.rect(begin, 0, end - begin, height);
  }
  context.fillStyle = colours.gap;
  context.fill();
  context.clip();
  context.beginPath();
  for (let from = left - height; all.length && from < width; from += 9) {
    context.moveTo(from, height);
    context.lineTo(from + height, 0);
  }
  context.strokeStyle = colours.hatch;
  context.lineWidth = 1.5;
  context.stroke();
  context.restore();
}

/** A row's bars. Those too short to be told apart are one. */
function barsIn(row, { x, left, width, scroll, now }) {
  const found = [];
  for (const bar of row.bars) {
    const begin = Math.max(left, x(bar.begin));
    const end = Math.min(width, x(Math.min(bar.end, now)));
    if (x(bar.begin) > width || end < left) continue;
    const last = found.at(-1);
    if (last && last.width <= 5 && begin < last.x + 4) {
      last.bars.push(bar);
      if (STATES.indexOf(bar.state) > STATES.indexOf(last.state)) last.state = bar.state;
      continue;
    }
    found.push({
      row,
      bars: [bar],
      state: bar.state,
      time: bar.begin,
      open: bar.state === "running",
      x: begin,
      width: Math.max(5, end - begin),
      y: row.bar - scroll - BAR / 2,
      height: BAR,
    });
  }
  return found;
}

function marksIn(row, { x, left, width, scroll }) {
  const [from, to] = [left, width].map((pixel) => Number(x.invert(pixel)));
  const span = spanOf((to - from) / (width - left));
  return between(merged(row, span), from, to, (mark) => mark.time)
    .map((mark) => boxed(mark, row, x(mark.time), row.mark - scroll))
    .filter((item) => item.x + item.width > left && item.x < width);
}

function boxed({ events, severity, time }, row, middle, y) {
  const size = events.length > 1 ? PILL : { width: MARK, height: MARK };
  return {
    row,
    events,
    severity,
    time,
    x: middle - size.width / 2,
    y: y - size.height / 2,
    ...size,
  };
}

function bars(context, { colours, left }, items) {
  context.textAlign = "left";
  threads(context, colours, items);
  for (const item of items) {
    const { strong, soft } = colours[item.state];
    context.beginPath();
    context.roundRect(item.x, item.y, item.width, item.height, item.open ? [4, 0, 0, 4] : 4);
    context.fillStyle = item.state === "failed" ? strong : soft;
    context.fill();
    context.setLineDash(item.state === "cancelled" || item.state === "unknown" ? [3, 2] : []);
    context.strokeStyle = strong;
    context.lineWidth = 1;
    context.stroke();
    if (item.width < LABEL_PIXELS) continue;
    context.fillStyle = item.state === "failed" ? colours.paper : strong;
    context.fillText(item.state, Math.max(item.x, left) + 6, item.y + item.height / 2 + 0.5);
  }
  context.setLineDash([]);
}

/** A line down the lanes that one deployment touches. */
function threads(context, colours, items) {
  const open = new Map();
  for (const item of items) {
    const [bar] = item.bars;
    if (bar.apps.length < 2) continue;
    const above = open.get(bar.id);
    if (above) {
      context.fillStyle = colours[item.state].strong;
      context.fillRect(item.x, above.y + above.height, 1, item.y - above.y - above.height);
    }
    open.set(bar.id, item);
  }
}

function marks(context, { colours }, items) {
  for (const severity of SEVERITIES) {
    const [single, many] = [[], []];
    for (const item of items) {
      if (item.severity === severity) (item.events.length > 1 ? many : single).push(item);
    }
    const { strong, soft } = colours[severity];
    const loud = LOUD.includes(severity);
    fill(context, severity, single, strong);
    fill(context, severity, many, loud ? strong : soft);
    context.textAlign = "center";
    context.fillStyle = loud ? colours.paper : strong;
    for (const { events, x, y, width, height } of many) {
      context.fillText(short(events.length), x + width / 2, y + height / 2 + 1);
    }
  }
}

function fill(context, severity, items, colour) {
  context.beginPath();
  for (const item of items) SHAPES[severity](context, item);
  context.fillStyle = colour;
  context.fill();
}

function short(count) {
  return count < 1000 ? String(count) : `${Math.floor(count / 1000)}k`;
}

// Each severity has a shape of its own, for one event and for many.
const SHAPES = {
  info: (context, { x, y, width, height }) => rounded(context, x + 1, y + 1, width - 2, height - 2),
  notice: (context, { x, y, width, height }) => rounded(context, x, y, width, height),
  warning: (context, { x, y, width, height }) =>
    polygon(context, [
      [x - 1, y + height],
      [x + 4, y],
      [x + width - 4, y],
      [x + width + 1, y + height],
    ]),
  error: (context, { x, y, width, height }) =>
    polygon(context, [
      [x - 2, y + height / 2],
      [x + 4, y - 1],
      [x + width - 4, y - 1],
      [x + width + 2, y + height / 2],
      [x + width - 4, y + height + 1],
      [x + 4, y + height + 1],
    ]),
};

function rounded(context, x, y, width, height) {
  context.roundRect(x, y, width, height, height / 2);
}

function polygon(context, points) {
  points.forEach(([x, y], n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}
