/**
 * Cases: the open ones as a live list, one case in full, and what officers do to them. Nothing is sent
 * twice and nothing is queued: an action that the hub did not confirm is undone on the screen and said so.
 */
import { computed, signal } from "@preact/signals";
import { applyCase, applyList, NO_CASES, type OpenCases } from "../logic/merge";
import { ApiError, query, request } from "./http";
import { onCaseEvent, onReload } from "./live";
import type {
  ActionName,
  Case,
  CaseEvent,
  CasePage,
  CaseSeries,
  CaseSummary,
  Details,
  OpenBySeverity,
} from "./types";

const cases = signal<OpenCases>(NO_CASES);

/** The open cases that this browser holds. */
export const openCases = computed(() => cases.value.open);

/** Cases that ended while this page was open. */
export const endedCases = computed(() => cases.value.ended);

export type ListState =
  | { is: "loading" }
  | { is: "loaded"; truncated: boolean }
  | { is: "failed"; error: unknown };

export const listState = signal<ListState>({ is: "loading" });
/** Counts of all open cases, those beyond the loaded ones included. */
const totals = signal<OpenBySeverity | null>(null);

export const openBySeverity = computed<OpenBySeverity>(() => {
  const state = listState.value;
  if (state.is === "loaded" && state.truncated && totals.value !== null) return totals.value;
  const counts: OpenBySeverity = { P1: 0, P2: 0, P3: 0, P4: 0 };
  for (const found of openCases.value.values()) counts[found.severity] += 1;
  return counts;
});

const PAGE = 200;
/** At most this many open cases are held in the browser; the board says so when there are more. */
export const HELD_MAX = 2000;

let loads = 0;
let meanwhile: CaseSummary[] | null = null;

/** Loads all open cases; a later call overtakes an earlier one. */
export async function loadOpenCases(): Promise<void> {
  loads += 1;
  const load = loads;
  const heard: CaseSummary[] = [];
  meanwhile = heard;
  try {
    const listed: CaseSummary[] = [];
    let next: string | null = null;
    do {
      const page: CasePage = await request(
        "GET",
        `/cases${query({ state: "open", limit: PAGE, after: next })}`,
      );
      if (load !== loads) return;
      listed.push(...page.items.filter((found) => !found.is_drill));
      next = page.next ?? null;
      totals.value = page.total_open;
    } while (next !== null && listed.length < HELD_MAX);
    cases.value = applyList(cases.value, listed, heard);
    listState.value = { is: "loaded", truncated: next !== null };
  } catch (error) {
    if (load === loads) listState.value = { is: "failed", error };
  } finally {
    if (load === loads) meanwhile = null;
  }
}

/** Takes a case into the list. Drills and tests page nobody, so they are in no officer's list. */
function take(found: CaseSummary): void {
  if (found.is_drill) return;
  meanwhile?.push(found);
  cases.value = applyCase(cases.value, found);
}

function hear(event: CaseEvent): void {
  take(event.case);
  for (const listener of listeners) listener(event);
}

const listeners = new Set<(event: CaseEvent) => void>();

/** Calls with every event of a case after it has been taken into the list. */
export function afterCaseEvent(listener: (event: CaseEvent) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

onCaseEvent(hear);
onReload(() => void loadOpenCases());

/** Forgets everything, for the next officer at this browser. */
export function forgetCases(): void {
  loads += 1;
  cases.value = NO_CASES;
  totals.value = null;
  listState.value = { is: "loading" };
}

export function loadCase(id: number): Promise<Case> {
  return request("GET", `/cases/${id}`);
}

export function loadSeries(id: number): Promise<CaseSeries> {
  return request("GET", `/cases/${id}/series${query({ before_s: 900, after_s: 900 })}`);
}

/** What became of an action. */
export type Outcome =
  | { is: "done"; case: Case }
  /** Someone else was first; `current` is how the case stands now. */
  | { is: "conflict"; current: Case }
  | { is: "refused"; error: ApiError }
  /** Nobody knows whether the hub got it; the stream will tell. */
  | { is: "line"; error: unknown };

function summaryOf(full: Case): CaseSummary {
  const {
    alerts: _alerts,
    transitions: _transitions,
    allowed_actions: _allowed,
    units: _units,
    progress: _progress,
    ...summary
  } = full;
  return summary;
}

/** Does one thing to a case, under the version that the officer saw. */
export async function act(
  id: number,
  version: number,
  action: ActionName,
  reason?: string,
  details: Details = {},
): Promise<Outcome> {
  try {
    const body = { ...details, action, version, ...(reason === undefined ? {} : { reason }) };
    const full = await request<Case>("POST", `/cases/${id}/actions`, body);
    take(summaryOf(full));
    return { is: "done", case: full };
  } catch (error) {
    if (!(error instanceof ApiError)) return { is: "line", error };
    const current = error.problem.current as Case | undefined;
    if (error.code === "version-conflict" && current !== undefined) {
      take(summaryOf(current));
      return { is: "conflict", current };
    }
    return { is: "refused", error };
  }
}
