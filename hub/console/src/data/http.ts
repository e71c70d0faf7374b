/**
 * One request to the hub's API and its failures, told apart the way callers need it: the hub said no
 * (`ApiError` with a problem type) or the line is broken (`LineError`). Never retries: a repeated action
 * could act twice.
 */

/** `application/problem+json`, with whatever the problem type adds. */
export interface Problem {
  type: string;
  title?: string;
  status: number;
  detail?: string;
  [extra: string]: unknown;
}

/** The hub answered with an error. */
export class ApiError extends Error {
  readonly problem: Problem;
  /** Seconds until another try is welcome, if the hub said so. */
  readonly retryAfterS: number | null;

  constructor(problem: Problem, retryAfterS: number | null) {
    super(problem.detail ?? problem.title ?? `status ${problem.status}`);
    this.name = "ApiError";
    this.problem = problem;
    this.retryAfterS = retryAfterS;
  }

  /** The last part of the problem type, such as `version-conflict`. */
  get code(): string {
    return this.problem.type.split(/[/:#]/).pop() ?? "";
  }
}

/** No answer came: the line is broken, or the hub did not answer in time. */
export class LineError extends Error {
  constructor(cause: unknown) {
    super("no answer from the hub", { cause });
    this.name = "LineError";
  }
}

/** An answer later than this is treated as no answer. */
const TIMEOUT_MS = 15_000;

let onSignedOut: () => void = () => undefined;

/** Names what happens when the hub says that nobody is signed in (any more). */
export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = { type: "about:blank", status: response.status, title: response.statusText };
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? { ...fallback, ...body } : fallback;
  } catch {
    return fallback;
  }
}

/** What a request may be given beside its body. */
export interface RequestOptions {
  /** The same key again is the same request: the hub does it once. */
  key?: string;
  /** The ETag of what the change is made from. */
  ifMatch?: string;
  timeoutMs?: number;
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  { key, ifMatch, timeoutMs = TIMEOUT_MS }: RequestOptions = {},
): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  // Another site's page cannot set this header without the hub's leave.
  if (method !== "GET") headers["X-Gridwatch-Request"] = "1";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  const bytes = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = bytes ? body.type : "application/json";
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    return await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: abort.signal,
      ...(body === undefined ? {} : { body: bytes ? body : JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new LineError(cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends one request; `T` is what the API promises for it. */
export async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  options?: RequestOptions,
): Promise<T> {
  const response = await send(method, path, body, options);
  if (response.ok) {
    if (response.status === 204 || response.headers.get("Content-Length") === "0") return undefined as T;
    try {
      return (await response.json()) as T;
    } catch (cause) {
      throw new LineError(cause);
    }
  }
  const problem = await problemOf(response);
  const retryAfter = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const error = new ApiError(problem, Number.isFinite(retryAfter) ? retryAfter : null);
  if (response.status === 401 && error.code !== "wrong-credentials") onSignedOut();
  throw error;
}

/** At most so many pages of a list are read: 20,000 rows; more is a fault, not a list. */
const PAGES_MAX = 100;

/** All rows of a list, page by page. `path` has no parameters yet; `given` are those that it is to have. */
export async function requestAll<T>(
  path: string,
  limit = 200,
  given: Record<string, string> = {},
): Promise<T[]> {
  const rows: T[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const found: { items: T[]; next?: string | null } = await request(
      "GET",
      `${path}${query(after === null ? given : { ...given, after, limit })}`,
    );
    rows.push(...found.items);
    after = found.next ?? null;
    if (after === null) return rows;
  }
  return rows;
}

/** A query string from the parameters that are set. */
export function query(parameters: Record<string, string | number | undefined | null>): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") set.set(name, String(value));
  }
  const text = set.toString();
  return text === "" ? "" : `?${text}`;
}
