// The timeline's canvas at work: its size, zoom and pan, and what the pointer is on.

import { scaleTime, scaleUtc } from "d3-scale";
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";

import { draw, drawAxis, ring } from "./drawing.js";

const SHORTEST = 1000;
const LONGEST = 400 * 86_400_000;
const NARROW = 560;
const LABELS = 208; // the width of the column of names; on a phone they stand above the lanes
const TICK_PIXELS = 92;
const TICK_SPACE = 18; // between the words of two ticks
const WHEEL_ZOOM = 0.002; // for each pixel that a wheel is turned
const PINCH_ZOOM = 0.02; // a touchpad's pinch comes as a wheel that turns a few pixels
const PINCH_PIXELS = 40;
const EDGE = 30; // so that what is new is not cut, with its numbers
const REACH = 6; // a finger is not exact

const FEW = 14; // with more apps the lanes are lower
const HEIGHTS = {
  wide: { app: 40, group: 26, mark: 14, bar: 13 },
  dense: { app: 26, group: 22, mark: 8, bar: 7 },
  narrow: { app: 58, group: 30, mark: 34, bar: 13 },
  narrowDense: { app: 44, group: 26, mark: 28, bar: 7 },
};

export class Picture {
  /** `told.moved(from, to)` after a gesture; `told.pointed(item)` and `told.opened(item)`. */
  constructor({ pane, axis, canvas }, told) {
    Object.assign(this, { pane, axis, canvas, told, items: [], shown: null, focused: null });
    this._zoom = zoom()
      .wheelDelta(turnOf)
      .filter((event) => !event.button && (event.type !== "wheel" || isZoom(event)))
      .on("start", () => {
        this._held = true;
        this.told.pointed(null);
      })
      .on("zoom", (event) => this._moved(event))
      .on("end", () => this._released());
    this._selection = select(canvas).call(this._zoom).on("dblclick.zoom", null);
    this._listen();
  }

  /** What to show: rows, bars, gaps, from, to, now, clock. A gesture is not interrupted by it. */
  show(shown) {
    this.shown = shown;
    if (!this._held) this._rebase();
    this.redraw();
  }

  redraw() {
    this._frame ??= requestAnimationFrame(() => this._draw());
  }

  /** Zoom by a factor, or pan by a part of the width, as the keys and buttons do. */
  zoomBy(factor) {
    this._zoom.scaleBy(this._selection, factor);
  }

  panBy(part) {
    const { k } = this.canvas.__zoom;
    this._zoom.translateBy(this._selection, (-part * (this._right - this.left)) / k, 0);
  }

  focus(item) {
    this.focused = item;
    this.redraw();
  }

  stop() {
    cancelAnimationFrame(this._frame);
    this._observer.disconnect();
    this._scheme.removeEventListener("change", this._recolour);
  }

  get left() {
    return this._size.width < NARROW ? 0 : LABELS;
  }

  get _right() {
    return Math.max(this.left + 1, this._size.width - EDGE);
  }

  _listen() {
    this._recolour = () => {
      this._colours = coloursOf(this.pane);
      this.redraw();
    };
    this._scheme = matchMedia("(prefers-color-scheme: dark)");
    this._scheme.addEventListener("change", this._recolour);
    this._recolour();
    this._observer = new ResizeObserver(() => this._resize());
    this._observer.observe(this.pane);
    this._resize();
    this.pane.addEventListener("scroll", () => this.redraw());
    this.canvas.addEventListener("wheel", (event) => this._sideways(event), { capture: true });
    this.axis.addEventListener("wheel", (event) => this._turned(event), { passive: false });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this._held) this.told.pointed(this._at(event));
    });
    this.canvas.addEventListener("pointerleave", () => this.told.pointed(null));
    this.canvas.addEventListener("click", (event) => {
      const item = this._at(event);
      if (item) this.told.opened(item);
    });
  }

  _resize() {
    this._size = { width: this.pane.clientWidth, height: this.pane.clientHeight };
    this._context = sized(this.canvas, this._size);
    this._axisContext = sized(this.axis, { width: this._size.width, height: 30 });
    this._zoom.extent([
      [this.left, 0],
      [this._right, this._size.height],
    ]);
    if (this.shown) this._rebase();
    this.told.resized?.(this._size.width < NARROW);
    this.redraw();
  }

  /** From here on, what is in view counts as not zoomed. */
  _rebase() {
    const { from, to } = this.shown;
    this.canvas.__zoom = zoomIdentity;
    this._zoom.scaleExtent([(to - from) / LONGEST, Math.max(1, (to - from) / SHORTEST)]);
  }

  _scale() {
    const { from, to, clock } = this.shown;
    const base = (clock.utc ? scaleUtc : scaleTime)()
      .domain([from, to])
      .range([this.left, this._right]);
    return this.canvas.__zoom.rescaleX(base);
  }

  _moved({ sourceEvent }) {
    if (sourceEvent?.type === "mousemove") this.pane.scrollTop -= sourceEvent.movementY;
    this.redraw();
  }

  _released() {
    this._held = false;
    const { k, x } = this.canvas.__zoom;
    if (k === 1 && x === 0) return; // a click
    const [from, to] = this._scale().domain();
    this.told.moved(Number(from), Number(to));
  }

  /** A wheel that is turned sideways, or with the shift key, pans. */
  _sideways(event) {
    if (isZoom(event)) return;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (Math.abs(event.deltaX) <= Math.abs(event.deltaY) && !event.shiftKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.panBy(sideways / (this._right - this.left));
  }

  /** A wheel over the axis zooms, around the time below the pointer. */
  _turned(event) {
    event.preventDefault();
    this._zoom.scaleBy(this._selection, 2 ** turnOf(event), [event.offsetX, 0]);
  }

  /** As many ticks as there is room for their words. */
  _ticks(x) {
    const context = this._axisContext;
    context.font = this._colours.font;
    for (let n = Math.floor((this._right - this.left) / TICK_PIXELS); n > 2; n -= 1) {
      const ticks = x.ticks(n);
      const format = tickFormat(ticks, this.shown.clock);
      const widest = Math.max(...ticks.map((tick) => context.measureText(format(tick)).width));
      if (ticks.length < 2 || x(ticks[1]) - x(ticks[0]) >= widest + TICK_SPACE) return ticks;
    }
    return x.ticks(2);
  }

  _draw() {
    this._frame = undefined;
    if (!this.shown || !this._size.width) return;
    const x = this._scale();
    const ticks = this._ticks(x);
    const picture = {
      ...this.shown,
      ...this._size,
      x,
      ticks,
      left: this.left,
      scroll: this.pane.scrollTop,
      colours: this._colours,
      font: this._colours.font,
      format: tickFormat(ticks, this.shown.clock),
    };
    this.items = draw(this._context, picture);
    drawAxis(this._axisContext, picture);
    const focused = this.focused && this.items.find((item) => isSame(item, this.focused));
    if (focused) ring(this._context, focused, this._colours);
  }

  _at({ offsetX, offsetY }) {
    const near = this.items.filter(
      (item) =>
        Math.abs(offsetX - item.x - item.width / 2) <= item.width / 2 + REACH &&
        Math.abs(offsetY - item.y - item.height / 2) <= item.height / 2 + REACH / 2,
    );
    return near.at(-1) ?? null; // the one on top
  }
}

/** Each row's place from the top, and where its marks and bars are. */
export function placed(rows, narrow) {
  const dense = rows.filter(({ kind }) => kind === "app").length > FEW;
  const sizes = HEIGHTS[narrow ? (dense ? "narrowDense" : "narrow") : dense ? "dense" : "wide"];
  let top = 0;
  return rows.map((row) => {
    const isLow = row.kind === "heading" || (row.kind === "group" && !row.isFolded);
    const height = isLow ? sizes.group : sizes.app;
    const place = {
      ...row,
      top,
      height,
      dense,
      mark: top + (isLow ? height / 2 : sizes.mark),
      bar: top + height - sizes.bar / 2 - 3,
      barHeight: sizes.bar,
    };
    top += height;
    return place;
  });
}

export function isSame(a, b) {
  return a.row.path === b.row.path && a.time === b.time && kindOf(a) === kindOf(b);
}

function kindOf({ bars, band }) {
  return band ? "band" : bars ? "bars" : "marks";
}

/** By which power of two a turn of the wheel zooms. */
function turnOf({ deltaX, deltaY, deltaMode, ctrlKey }) {
  const pixels = (deltaY || deltaX) * (deltaMode ? PINCH_PIXELS : 1); // or lines
  const isPinch = ctrlKey && Math.abs(pixels) < PINCH_PIXELS;
  return -pixels * (isPinch ? PINCH_ZOOM : WHEEL_ZOOM);
}

/** Whether a turn of the wheel zooms: with a modifier, as a pinch on a touchpad has it too. */
function isZoom({ ctrlKey, metaKey }) {
  return ctrlKey || metaKey;
}

function sized(canvas, { width, height }) {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

/** The first tick of a day is its date; the others are times, with seconds where they are close. */
function tickFormat(ticks, { clock, minute, day }) {
  const close = ticks.length > 1 && ticks[1] - ticks[0] < 60_000;
  const days = ticks.length > 1 && ticks[1] - ticks[0] >= 86_400_000;
  return (tick) => {
    if (days || minute(tick) === "00:00") return day(tick);
    return close ? clock(tick) : minute(tick);
  };
}

function coloursOf(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  const colours = { font: `600 11px ${style.fontFamily}` };
  for (const name of ["paper", "line", "grid", "band", "muted", "focus", "gap", "hatch"])
    colours[name] = value(name);
  for (const name of [
    "info",
    "notice",
    "warning",
    "error",
    "succeeded",
    "failed",
    "running",
    "cancelled",
    "unknown",
  ]) {
    colours[name] = { strong: value(name), soft: value(`${name}-soft`) };
  }
  return colours;
}
