// The events that are loaded: all that match, of one stretch of time, which grows both ways.

const PAGE = 500;
const PAGES = 20; // of one load, so that a busy week does not take minutes
const EMPTY_PAGES = 10; // of one load by scrolling: a page may be empty though more follows
const OVERLAP = 30_000; // an event may arrive a little after a younger one
const LATE = 15_000; // what came later than this was held up: by a relay, or by the spill queue
const LOOK_BACK = 3_600_000; // so far back what is late is looked for; if some came, through all
const LOOK_BACK_EVERY = 12; // times of catching up
const LOOK_THROUGH_EVERY = 120; // a single event may be hours late; at most 20 pages in ten minutes
const AHEAD = 60_000; // what is dated further ahead of its receipt has a wrong clock

export class Log {
  /** `fetch(parameters)` gives a page. Without `to`, the stretch begins with the newest event. */
  constructor(fetch, to) {
    this._fetch = fetch;
    this._known = new Set();
    this._turns = 0;
    this.events = []; // newest first
    this.head = to ?? Date.now(); // all is loaded between these two
    this.reach = to ?? Infinity;
    this.version = 0;
  }

  /** Whether a stretch touches what is loaded, so that it can grow to it. */
  touches(from, to) {
    return this.reach === Infinity || (from <= this.head && to >= this.reach);
  }

  /** Load back to a time, at most some 10,000 events. */
  async reachBack(since) {
    for (let n = 0; n < PAGES && this.reach > since; n += 1) await this._older(since, PAGE);
  }

  /** Load some more of the older events, however far back they are. */
  async more() {
    const before = this.events.length;
    for (let n = 0; n < EMPTY_PAGES && !this.ended; n += 1) {
      await this._older(undefined, PAGE / 5);
      if (this.events.length > before) return;
    }
  }

  /** Load on to a time, or to now. Now and then, and after something late, also what is late. */
  async catchUp(to) {
    const back = Math.min(this._lookBack(), this.head - this.reach);
    await this._from(this.head - Math.max(back, OVERLAP), to);
  }

  get ended() {
    return this.reach === -Infinity;
  }

  /**
   * How far back to look for what is late. What a relay held up for hours comes oldest first: its
   * end is seen within the last hour, and leads back to the rest. What comes hours late alone leads
   * nowhere: for it all is looked through, less often.
   */
  _lookBack() {
    this._turns += 1;
    const sawLate = this._sawLate;
    this._lateCame ||= sawLate;
    this._sawLate = false;
    if (this._turns % LOOK_BACK_EVERY) return sawLate ? LOOK_BACK : 0;
    const through = this._lateCame || this._turns % LOOK_THROUGH_EVERY === 0;
    this._lateCame = false;
    return through ? Infinity : LOOK_BACK;
  }

  async _from(since, to) {
    let cursor;
    do {
      const page = await this._fetch(parameters({ since, until: to, limit: PAGE, cursor }));
      this._sawLate ||= this._add(page.events).some(isLate);
      cursor = page.cursor;
    } while (cursor);
    this.head = to ?? Math.max(this.head, newestOf(this.events));
    if (this.reach === Infinity) this.reach = since;
  }

  async _older(since, limit) {
    const key = `${since} ${limit}`; // a cursor is good for the same query alone
    if (this._query?.key !== key) {
      this._query = { key, since, limit, until: this.reach === Infinity ? undefined : this.reach };
    }
    const query = this._query;
    const page = await this._fetch(parameters(query));
    this._add(page.events);
    query.cursor = page.cursor;
    if (page.events.length) this.reach = Math.min(this.reach, oldestOf(page.events));
    if (!page.cursor) {
      this.reach = since ?? -Infinity;
      this._query = undefined;
    }
  }

  /** Returns those that were not known. */
  _add(page) {
    const fresh = page.filter((event) => !this._known.has(event.id));
    if (!fresh.length) return fresh;
    for (const event of fresh) {
      event.time = Date.parse(event.timestamp);
      this._known.add(event.id);
    }
    // Ids sort by time.
    this.events = [...fresh, ...this.events].sort((a, b) => (a.id < b.id ? 1 : -1));
    this.version += 1;
    return fresh;
  }
}

/** Whether an event says that others may come late, too. */
function isLate({ type, time, received_at: received }) {
  return Date.parse(received) - time > LATE || type === "relay_gap";
}

function parameters({ since, until, limit, cursor }) {
  return { since: asIso(since), until: asIso(until), limit, cursor };
}

function asIso(time) {
  return Number.isFinite(time) ? new Date(time).toISOString() : undefined;
}

/** The newest time that can be believed: an event dated ahead must not hide those that follow. */
function newestOf(events) {
  const believed = events.find(
    ({ time, received_at: received }) => !(time > Date.parse(received) + AHEAD),
  );
  return believed?.time ?? 0;
}

function oldestOf(page) {
  return Math.min(...page.map((event) => Date.parse(event.timestamp)));
}
