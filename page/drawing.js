// Draws the timeline on its canvas. What it draws it also returns, to be found by pointer and keys.

import { MANY, ONE, REST, between, merged, spanOf } from "./merging.js";
import { SEVERITIES } from "./text.js";

const PILL_HEIGHT = { normal: 17, dense: 14 };
const LOUD = ["warning", "error"];
const LABEL_PIXELS = 72; // a bar this long has room for a word
const STATES = ["unknown", "succeeded", "running", "cancelled", "failed"]; // the last wins
const SHORTEST_BAR = 5;
const SOLID_PIXELS = 12; // the outline of a shorter bar looks like a nought
const BAD_BAR = { width: 16, height: 13, low: 11 }; // at least: how a deployment failed is never overseen
const EDGE = 3; // around a pill, whose corners reach out of its box
const MOST_PILLS = 1000;
const pills = new WeakMap(); // by colours, since they change with light and dark
const SIGNS = { failed: "✕", cancelled: "⊘" };

/** `picture`: rows with their `top` and `height`, the scale, sizes, colours, gaps and now. */
export function draw(context, picture) {
  const { width, height, rows, scroll } = picture;
  context.clearRect(0, 0, width, height);
  context.font = picture.font;
  context.textBaseline = "middle";
  const inView = rows.filter((row) => row.top + row.height > scroll && row.top < scroll + height);
  ground(context, picture, inView);
  hatched(context, picture, picture.gaps);
  const found = inView.flatMap((row) => [
    ...bandsIn(row, picture),
    ...barsIn(row, picture),
    ...marksIn(row, picture),
  ]);
  context.save();
  context.beginPath();
  context.rect(picture.left, 0, width, height); // not over the names
  context.clip();
  bands(
    context,
    picture,
    found.filter((item) => item.band),
  );
  const ofBars = found.filter((item) => item.bars);
  threads(context, picture.colours, ofBars);
  bars(
    context,
    picture,
    ofBars.filter(({ state }) => !(state in SIGNS)),
  );
  marks(
    context,
    picture,
    found.filter((item) => item.events),
  );
  bars(
    context,
    picture,
    ofBars.filter(({ state }) => state in SIGNS),
  );
  context.restore();
  unloaded(context, picture);
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
    if (row.kind === "group" || row.kind === "heading") {
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

/** The times of which nothing is loaded: hatched, and they say so. */
function unloaded(context, picture) {
  const { x, left, width, height, colours } = picture;
  for (const part of picture.unloaded) {
    const [begin, end] = [Math.max(left, x(part.from)), Math.min(width, x(part.to))];
    if (end < begin + 2) continue;
    context.clearRect(begin, 0, end - begin, height);
    hatched(context, picture, [part]);
    const words = "not loaded";
    const room = context.measureText(words).width + 20;
    if (end - begin < room) continue;
    const middle = (begin + end) / 2;
    context.fillStyle = colours.paper;
    context.fillRect(middle - room / 2, 12, room, 22);
    context.fillStyle = colours.muted;
    context.textAlign = "center";
    context.fillText(words, middle, 24);
  }
}

/** Times of which no event can be shown, such as those in which a relay was not listening. */
function hatched(context, { x, left, width, height, colours }, all) {
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

/** A row's incidents, from opened to resolved. */
function bandsIn(row, { x, left, width, scroll, now }) {
  return row.bands
    .map((band) => ({ band, begin: x(band.from), end: x(Math.min(band.to ?? now, now)) }))
    .filter(({ begin, end }) => end >= left && begin <= width)
    .map(({ band, begin, end }) => ({
      row,
      band,
      severity: band.severity,
      time: band.from,
      x: Math.max(left, begin),
      width: Math.max(4, Math.min(width, end) - Math.max(left, begin)),
      y: row.top - scroll,
      height: row.height - 1,
    }));
}

/** A row's bars. Those too short to be told apart are one. */
function barsIn(row, { x, left, width, scroll, now }) {
  const found = [];
  for (const bar of row.bars) {
    const begin = Math.max(left, x(bar.begin));
    const end = Math.min(width, x(Math.min(bar.end, now)));
    if (x(bar.begin) > width || end < left) continue;
    const last = found.at(-1);
    if (last && end - last.x <= last.width && last.width <= BAD_BAR.width) {
      last.bars.push(bar);
      if (STATES.indexOf(bar.state) > STATES.indexOf(last.state)) last.state = bar.state;
    } else {
      found.push({
        row,
        bars: [bar],
        state: bar.state,
        time: bar.begin,
        open: bar.state === "running",
        x: begin,
        width: Math.max(SHORTEST_BAR, end - begin),
      });
    }
    Object.assign(found.at(-1), sizeOf(found.at(-1), row, scroll));
  }
  return found;
}

function sizeOf({ state, width }, row, scroll) {
  const bad = state in SIGNS;
  const height = bad ? BAD_BAR[row.dense ? "low" : "height"] : row.barHeight;
  const y = Math.min(row.bar - height / 2, row.top + row.height - height - 1) - scroll;
  return { width: bad ? Math.max(BAD_BAR.width, width) : width, y, height };
}

function marksIn(row, { x, left, width, scroll }) {
  const [from, to] = [left, width].map((pixel) => Number(x.invert(pixel)));
  const span = spanOf((to - from) / (width - left));
  return between(merged(row, span), from, to, (mark) => mark.time)
    .map((mark) => boxed(mark, row, x(mark.time), row.mark - scroll))
    // Whole at the left, too: of half a number one reads another.
    .map((item) => ({ ...item, x: Math.max(item.x, left + EDGE) }));
}

function boxed({ events, severity, worst, time }, row, middle, y) {
  const many = events.length > 1;
  const height = many ? PILL_HEIGHT[row.dense ? "dense" : "normal"] : ONE;
  const rest = events.length - worst;
  const width = many ? MANY + (rest ? REST : 0) : ONE;
  return { row, events, severity, worst, rest, time, x: middle - width / 2, y: y - height / 2,
    width, height };
}

function bands(context, { colours }, items) {
  for (const { severity, x, y, width, height } of items) {
    const { strong, soft } = colours[severity] ?? colours.warning;
    context.fillStyle = soft;
    context.fillRect(x, y, width, height);
    context.fillStyle = strong;
    context.fillRect(x, y, width, 2);
  }
}

function bars(context, { colours, left }, items) {
  context.textAlign = "left";
  for (const item of items) {
    const { strong, soft } = colours[item.state];
    const sign = SIGNS[item.state];
    context.beginPath();
    context.roundRect(item.x, item.y, item.width, item.height, item.open ? [4, 0, 0, 4] : 4);
    const isShort = !sign && item.width < SOLID_PIXELS;
    context.fillStyle = sign || isShort ? strong : soft;
    context.globalAlpha = isShort ? 0.5 : 1;
    context.fill();
    context.globalAlpha = 1;
    context.setLineDash(item.state === "unknown" ? [3, 2] : []);
    context.strokeStyle = strong;
    context.lineWidth = 1;
    context.stroke();
    const words = item.width < LABEL_PIXELS ? sign : [sign, item.state].filter(Boolean).join(" ");
    if (!words || item.height < 11) continue;
    context.fillStyle = sign ? colours.paper : strong;
    context.fillText(words, Math.max(item.x, left) + (sign ? 4 : 6), item.y + item.height / 2 + 1);
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

function marks(context, { colours, font }, items) {
  for (const severity of SEVERITIES) {
    const own = items.filter((item) => item.severity === severity);
    context.beginPath();
    for (const item of own) if (item.events.length === 1) SHAPES[severity](context, item);
    context.fillStyle = colours[severity].strong;
    context.fill();
    for (const item of own) {
      if (item.events.length === 1) continue;
      const { image, ratio } = pill(item, colours, font);
      const [x, y] = [Math.round(item.x) - EDGE, Math.round(item.y) - EDGE];
      context.drawImage(image, x, y, image.width / ratio, image.height / ratio);
    }
  }
}

/** The picture of a mark of several events. Painted once, since text is slow to paint. */
function pill(item, colours, font) {
  const ratio = globalThis.devicePixelRatio || 1;
  const { severity, worst, rest, width, height } = item;
  const key = [severity, short(worst), rest && short(rest), height, ratio].join(" ");
  if (!pills.has(colours)) pills.set(colours, new Map());
  const known = pills.get(colours);
  if (known.size > MOST_PILLS) known.clear();
  if (!known.has(key)) {
    const image = new OffscreenCanvas((width + 2 * EDGE) * ratio, (height + 2 * EDGE) * ratio);
    const context = image.getContext("2d");
    context.scale(ratio, ratio);
    Object.assign(context, { font, textBaseline: "middle" });
    paintPill(context, item, colours);
    known.set(key, { image, ratio });
  }
  return known.get(key);
}

function paintPill(context, { severity, worst, rest, height }, colours) {
  const { strong, soft } = colours[severity];
  const loud = LOUD.includes(severity);
  const middle = EDGE + height / 2 + 1;
  context.beginPath();
  SHAPES[severity](context, { x: EDGE, y: EDGE, width: MANY, height });
  context.fillStyle = loud ? strong : soft;
  context.fill();
  context.textAlign = "center";
  context.fillStyle = loud ? colours.paper : strong;
  context.fillText(short(worst), EDGE + MANY / 2, middle);
  // Only the worst are in the shape; the rest is a number beside it.
  context.textAlign = "left";
  context.fillStyle = colours.muted;
  if (rest) context.fillText(`+${short(rest)}`, EDGE + MANY + 2, middle);
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
