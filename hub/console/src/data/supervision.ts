/**
 * What a supervisor looks after: rates of units and areas with their days, and what waits for a decision.
 * The list of cases does not say whether something is asked for; so the cases that changed last are read
 * in full, a few at a time, and the page says how many.
 */
import { signal } from "@preact/signals";
import { afterCaseEvent, listState, loadCase, openCases } from "./cases";
import { query, request } from "./http";
import type { Case, CasePage, CaseSummary, Schemas, Timestamp } from "./types";

/** Counts, and shares in [0, 1] that are null where there is nothing to divide by. */
export type Figures = Schemas["Figures"];

export type ReportRow = Schemas["ReportRow"];

export type Report = Schemas["Report"];

export type Grouping = "units" | "areas";

/** The first and last local day, `YYYY-MM-DD`. */
export interface Days {
  from: string;
  to: string;
}

/** More rows than this are in the CSV. */
const ROWS_MAX = 2000;

/** The rates of every unit or area, all pages of them. */
export async function loadRates(what: Grouping, days: Days): Promise<Report> {
  const first = await request<Report>("GET", `/reports/${what}${query({ ...days, limit: 200 })}`);
  let after = first.next ?? null;
  while (after !== null && first.items.length < ROWS_MAX) {
    const page: Report = await request("GET", `/reports/${what}${query({ ...days, limit: 200, after })}`);
    first.items.push(...page.items);
    after = page.next ?? null;
  }
  return first;
}

/** The same day by day; 31 days at most, which is what the hub gives. */
export function loadDays(days: Days): Promise<Report> {
  return request("GET", `/reports/cases${query({ ...days, by: "day", limit: 200 })}`);
}

/** Where the same report is as a file. */
export function csvAddress(what: Grouping, days: Days): string {
  return `/api/v1/reports/${what}${query({ ...days, format: "csv" })}`;
}

/** What waits for a decision. */
export interface Asked {
  case: Case;
  what: "extension" | "suspension" | "appeal";
  by: string;
  at: Timestamp;
}

/** Pure: what a case in full waits for. */
export function askedOf(found: Case): Asked | null {
  const { ask, appeal } = found.progress ?? {};
  if (ask) return { case: found, what: ask.what, by: ask.by, at: ask.at };
  const open = appeal && appeal.reviews.length < 2 && found.state === "closed";
  return open ? { case: found, what: "appeal", by: appeal.by, at: appeal.at } : null;
}

export const asked = signal<ReadonlyMap<number, Asked>>(new Map());
/** How many cases have been read for it; null before the first time. */
export const askedRead = signal<number | null>(null);

/** At most so many open and ended cases are read in full: some 2 MB, a few seconds. */
const OPEN_MAX = 60;
const ENDED_MAX = 30;
const AT_ONCE = 4;

const ASKING: ReadonlySet<string> = new Set(["dispatched", "handling"]);

function put(id: number, found: Asked | null): void {
  const next = new Map(asked.peek());
  if (found === null) next.delete(id);
  else next.set(id, found);
  asked.value = next;
}

async function look(id: number): Promise<void> {
  try {
    put(id, askedOf(await loadCase(id)));
  } catch {
    // It is looked at again with the next change; the line's state is shown in the strip.
  }
}

let looks = 0;

async function lookThrough(): Promise<void> {
  looks += 1;
  const mine = looks;
  const newest = (a: CaseSummary, b: CaseSummary) => (a.updated_at < b.updated_at ? 1 : -1);
  const open = [...openCases.peek().values()].filter((found) => ASKING.has(found.state)).sort(newest);
  const ended = await request<CasePage>("GET", `/cases${query({ state: "ended", limit: ENDED_MAX })}`).catch(
    () => null,
  );
  const closed = ended?.items.filter((found) => found.state === "closed") ?? [];
  const ids = [...open.slice(0, OPEN_MAX), ...closed].map((found) => found.id);
  let next = 0;
  const worker = async () => {
    for (let id = ids[next++]; id !== undefined && mine === looks; id = ids[next++]) await look(id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (mine === looks) askedRead.value = ids.length;
}

const SETTLE_MS = 300;

/** Follows what waits for a decision until the returned function is called. */
export function followAsked(): () => void {
  const due = new Map<number, ReturnType<typeof setTimeout>>();
  const ends = [
    // At once when the list is there, and after each loading anew.
    listState.subscribe((state) => {
      if (state.is === "loaded") void lookThrough();
    }),
    afterCaseEvent(({ case: found }) => {
      if (
        due.has(found.id) ||
        !(ASKING.has(found.state) || found.state === "closed" || asked.peek().has(found.id))
      )
        return;
      due.set(
        found.id,
        setTimeout(() => {
          due.delete(found.id);
          void look(found.id);
        }, SETTLE_MS),
      );
    }),
  ];
  return () => {
    looks += 1;
    for (const end of ends) end();
    for (const timer of due.values()) clearTimeout(timer);
  };
}

export function forgetAsked(): void {
  looks += 1;
  asked.value = new Map();
  askedRead.value = null;
}
