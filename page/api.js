// The read API, on the page's own origin. What goes wrong is an ApiError of a known kind.

const KINDS = { 400: "bad", 401: "expired", 403: "expired", 404: "missing" };
const OTHER_CLUSTER = "other_cluster"; // the code where the token is good, but for another one
const MAX_SECONDS = 30;

export class ApiError extends Error {
  constructor(kind, message, status) {
    super(message);
    Object.assign(this, { kind, status });
  }
}

const NOTHING = new ApiError("missing", "There is no such thing.");

/** The address of a request: the parameters that have a value, after the page's own address. */
export function addressOf(base, path, parameters = {}) {
  const url = new URL(path, base);
  url.hash = "";
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

export function pathTo(...parts) {
  // A part that leads elsewhere, however it is encoded, names nothing that there is.
  if (parts.some((part) => /^\.*$/.test(part))) throw NOTHING;
  return parts.map(encodeURIComponent).join("/");
}

export function client(base, token, fetch = globalThis.fetch) {
  return async function get(path, parameters, signal) {
    const slow = AbortSignal.timeout(MAX_SECONDS * 1000);
    const stop = signal ? AbortSignal.any([slow, signal]) : slow;
    let answer;
    try {
      answer = await fetch(addressOf(base, path, parameters), {
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        signal: stop,
      });
      if (answer.ok) return await answer.json();
    } catch (error) {
      if (signal?.aborted) throw error;
      if (answer) throw new ApiError("busy", "The answer was cut off, or is no JSON.");
      throw new ApiError("offline", "The API can't be reached.");
    }
    throw await errorOf(answer);
  };
}

/** API Gateway's own errors have other bodies than ours. */
async function errorOf(answer) {
  const { error } = (await answer.json().catch(() => null)) ?? {};
  const kind = error?.code === OTHER_CLUSTER ? "refused" : error && KINDS[answer.status];
  return new ApiError(kind ?? "busy", error?.message ?? `The API answered ${answer.status}.`,
    answer.status);
}
