/**
 * What a supervisor looks after: rates of units and areas with their days, and what waits for a decision. The hub
 * finds the cases that wait; events keep the list up to date. Only what is shown is read in full.
 */
import { signal } from "@preact/signals";
import { afterCaseEvent } from "./cases";
import { query, request } from "./http";
import { onReload } from "./live";
import type { CasePage, CaseSummary, Schemas } from "./types";

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

/** Cases that wait for a decision, open or closed, by number. */
export const asked = signal<ReadonlyMap<number, CaseSummary>>(new Map());

export type AskedState =
  | { is: "loading" }
  | { is: "loaded"; more: boolean }
  | { is: "failed"; error: unknown };

export const askedState = signal<AskedState>({ is: "loading" });

/** At most so many are held; nobody decides more in a day, and the page says when there are more. */
const ASKED_MAX = 1000;
const PAGE = 200;

/** Pure: takes what an event says of a case; the same map when that is nothing new. */
export function takeAsked(
  before: ReadonlyMap<number, CaseSummary>,
  found: CaseSummary,
): ReadonlyMap<number, CaseSummary> {
  const known = before.get(found.id);
  if (found.is_drill || (known !== undefined && known.version > found.version)) return before;
  if (!found.waits_for && known === undefined) return before;
  const next = new Map(before);
  if (found.waits_for) next.set(found.id, found);
  else next.delete(found.id);
  return next;
}

let loads = 0;

export async function loadAsked(): Promise<void> {
  loads += 1;
  const mine = loads;
  const heard: CaseSummary[] = [];
  meanwhile = heard;
  try {
    let found: ReadonlyMap<number, CaseSummary> = new Map();
    let after: string | null = null;
    do {
      const page: CasePage = await request(
        "GET",
        `/cases${query({ state: "all", waits_for: "any", limit: PAGE, after })}`,
      );
      if (mine !== loads) return;
      found = new Map([...found, ...page.items.map((each) => [each.id, each] as const)]);
      after = page.next ?? null;
    } while (after !== null && found.size < ASKED_MAX);
    asked.value = heard.reduce(takeAsked, found);
    askedState.value = { is: "loaded", more: after !== null };
  } catch (error) {
    if (mine === loads) askedState.value = { is: "failed", error };
  } finally {
    if (mine === loads) meanwhile = null;
  }
}

let meanwhile: CaseSummary[] | null = null;

/** Follows what waits for a decision until the returned function is called. */
export function followAsked(): () => void {
  void loadAsked();
  const ends = [
    onReload(() => void loadAsked()),
    afterCaseEvent(({ case: found }) => {
      meanwhile?.push(found);
      asked.value = takeAsked(asked.peek(), found);
    }),
  ];
  return () => {
    loads += 1;
    for (const end of ends) end();
  };
}

export function forgetAsked(): void {
  loads += 1;
  asked.value = new Map();
  askedState.value = { is: "loading" };
}
