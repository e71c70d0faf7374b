/**
 * Cases: the open ones as a live list, one case in full, and what officers do to them. Nothing is sent
 * twice and nothing is queued: an action that the hub did not confirm is undone on the screen and said so.
 */
import { batch, computed, signal } from "@preact/signals";
import { applyCases, applyList, NO_CASES, type OpenCases } from "../logic/merge";
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
  /** `whole` is false while the less urgent cases are still coming in behind the first ones. */
  | { is: "loaded"; truncated: boolean; whole: boolean }
  | { is: "failed"; error: unknown };

export const listState = signal<ListState>({ is: "loading" });
/** Counts of all open cases, those beyond the loaded ones included. */
const totals = signal<OpenBySeverity | null>(null);

export const openBySeverity = computed<OpenBySeverity>(() => {
  const state = listState.value;
  const counted = state.is === "loaded" && state.whole && !state.truncated;
  if (!counted && totals.value !== null) return totals.value;
  const counts: OpenBySeverity = { P1: 0, P2: 0, P3: 0, P4: 0 };
  for (const found of openCases.value.values()) counts[found.severity] += 1;
  return counts;
});

const PAGE = 200;
/** At most this many open cases are held in the browser, twice what is planned for; the board says so. */
export const HELD_MAX = 20_000;
/** While the first loading goes on, so many more are shown at a time: drawing costs more than loading. */
const SHOWN_AT_ONCE = 1000;

let loads = 0;
let meanwhile: CaseSummary[] | null = null;

/**
 * Loads all open cases; a later call overtakes an earlier one. Into an empty board they come most urgent first,
 * as they arrive; it counts as loaded once every P1 is there. A board that shows something is changed at once
 * when all are there, so that nothing on it goes away in between.
 */
export async function loadOpenCases(): Promise<void> {
  loads += 1;
  const load = loads;
  const heard: CaseSummary[] = [];
  meanwhile = heard;
  const empty = openCases.peek().size === 0;
  const listed: CaseSummary[] = [];
  let shown = 0;
  let next: string | null = null;
  try {
    do {
      const page: CasePage = await request(
        "GET",
        `/cases${query({ state: "open", limit: PAGE, after: next })}`,
      );
      if (load !== loads) return;
      listed.push(...page.items.filter((found) => !found.is_drill));
      next = page.next ?? null;
      totals.value = page.total_open;
      const due = shown === 0 || listed.length - shown >= SHOWN_AT_ONCE;
      if (empty && next !== null && due) {
        shown = listed.length;
        show(listed, heard, { whole: false, truncated: false });
      }
    } while (next !== null && listed.length < HELD_MAX);
    show(listed, heard, { whole: true, truncated: next !== null });
  } catch (error) {
    if (load === loads) listState.value = { is: "failed", error };
  } finally {
    if (load === loads) meanwhile = null;
  }
}

function show(
  listed: readonly CaseSummary[],
  heard: readonly CaseSummary[],
  how: { whole: boolean; truncated: boolean },
): void {
  batch(() => {
    cases.value = applyList(cases.value, listed, heard);
    // The hub lists the most urgent first.
    if (how.whole || listed.at(-1)?.severity !== "P1") listState.value = { is: "loaded", ...how };
  });
}

/** Takes cases into the list. Drills and tests page nobody, so they are in no officer's list. */
function take(found: readonly CaseSummary[]): void {
  const real = found.filter((each) => !each.is_drill);
  meanwhile?.push(...real);
  cases.value = applyCases(cases.value, real);
}

/** In a storm events are taken together, at most so often: each taking draws the board anew. */
const PACE_MS = 50;
/** A longer list takes longer to order and to draw. */
const CASES_PER_MS = 100;

let untaken: CaseEvent[] = [];
let takenAt = Number.NEGATIVE_INFINITY;
let taking: ReturnType<typeof setTimeout> | undefined;

/** The first event is taken at once, and so is one after a pause: nothing waits for a timer but a storm. */
function hear(event: CaseEvent): void {
  untaken.push(event);
  const pace = Math.max(PACE_MS, openCases.peek().size / CASES_PER_MS);
  const wait = takenAt + pace - performance.now();
  if (wait <= 0) takeUntaken();
  else taking ??= setTimeout(takeUntaken, wait);
}

function takeUntaken(): void {
  clearTimeout(taking);
  taking = undefined;
  const events = untaken;
  untaken = [];
  takenAt = performance.now();
  batch(() => {
    take(events.map((event) => event.case));
    for (const event of events) for (const listener of listeners) listener(event);
  });
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
  untaken = [];
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

/** Takes what the hub answered about cases into the list, ahead of the stream. */
export function takeSummaries(found: readonly CaseSummary[]): void {
  take(found);
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
    related_reason: _reason,
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
    take([summaryOf(full)]);
    return { is: "done", case: full };
  } catch (error) {
    if (!(error instanceof ApiError)) return { is: "line", error };
    const current = error.problem.current as Case | undefined;
    if (error.code === "version-conflict" && current !== undefined) {
      take([summaryOf(current)]);
      return { is: "conflict", current };
    }
    return { is: "refused", error };
  }
}
