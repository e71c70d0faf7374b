/**
 * What a handler's phone keeps for places without a line: who is signed in, the tasks and their sites.
 * Only for the roles whose work is outside; gone with signing out. Never a password, never a cookie: what
 * is done is still sent by the hub's own session.
 */
import type { Case, CaseSummary, Role, Session, Site, Text } from "./types";

/** Roles that land on the phone pages. */
export const PHONE_ROLES: ReadonlySet<Role> = new Set<Role>(["unit", "handler", "checker"]);

/** At most so many cases in full: a person's tasks of a day, at some 20 kB each. */
const CASES_MAX = 60;

/** A category to report under. */
export interface Category {
  code: string;
  name: Text;
}

interface Kept {
  session: Session | null;
  tasks: CaseSummary[];
  cases: Case[];
  sites: Site[];
  categories: Category[] | null;
}

const KEY = "gridwatch.phone";
const NOTHING: Kept = { session: null, tasks: [], cases: [], sites: [], categories: null };

function read(): Kept {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return typeof found === "object" && found !== null ? { ...NOTHING, ...found } : NOTHING;
  } catch {
    return NOTHING;
  }
}

function change(part: Partial<Kept>): void {
  const before = read();
  // Without a session that is kept nothing else is: officers' browsers keep no cases.
  if (before.session === null && !part.session) return;
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...before, ...part }));
  } catch {
    // Full or forbidden: the phone then works only with a line, which its pages say.
  }
}

export function keepSession(session: Session): void {
  if (PHONE_ROLES.has(session.role)) {
    const before = read();
    if (before.session !== null && before.session.username !== session.username) forgetKept();
    change({ session });
  } else forgetKept();
}

/** The session to go on with while the hub cannot be asked; null when it has run out. */
export function keptSession(): Session | null {
  const { session } = read();
  return session !== null && Date.parse(session.expires_at) > Date.now() ? session : null;
}

export function keepTasks(tasks: readonly CaseSummary[]): void {
  const ids = new Set(tasks.map((each) => each.id));
  change({ tasks: [...tasks], cases: read().cases.filter((each) => ids.has(each.id)) });
}

export function keptTasks(): CaseSummary[] {
  return read().tasks;
}

export function keepCase(found: Case): void {
  const others = read().cases.filter((each) => each.id !== found.id);
  change({ cases: [found, ...others].slice(0, CASES_MAX) });
}

export function keptCase(id: number): Case | null {
  return read().cases.find((each) => each.id === id) ?? null;
}

export function keepSites(sites: readonly Site[]): void {
  const wanted = new Set(read().tasks.map((each) => each.site.id));
  change({ sites: sites.filter((each) => wanted.has(each.id)) });
}

export function keptSites(): Site[] {
  return read().sites;
}

export function keepCategories(categories: readonly Category[]): void {
  change({ categories: [...categories] });
}

export function keptCategories(): Category[] | null {
  return read().categories;
}

export function forgetKept(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was kept then.
  }
}
