/**
 * What the hub's correlation says beside the cases: floods that last, silences that hide something, cases that
 * may be one matter; and the undo of a correlation that was wrong. Nothing here is done ahead of the hub's answer.
 */
import { signal } from "@preact/signals";
import { endSilence, type Silence } from "./admin";
import { afterCaseEvent, type Outcome, takeSummaries } from "./cases";
import { ApiError, query, request } from "./http";
import { onFloodEvent, onReload } from "./live";
import type { CaseSummary, Flood, SimilarCase } from "./types";

/** Floods that last, newest first. */
export const floods = signal<readonly Flood[]>([]);
/** Silences that are active now. */
export const silences = signal<readonly Silence[]>([]);

/** More than a few at a time are rare; the rest stand on the page of the administration. */
const LINES_MAX = 50;

let wanted = false;

/** What could not be read stays as it was: the line's own state is shown, and the next time comes soon. */
async function load(): Promise<void> {
  const [flooded, silenced] = await Promise.all([
    request<{ items: Flood[] }>("GET", `/floods${query({ state: "lasting", limit: LINES_MAX })}`).catch(
      () => null,
    ),
    request<{ items: Silence[] }>("GET", `/silences${query({ state: "standing", limit: LINES_MAX })}`).catch(
      () => null,
    ),
  ]);
  if (!wanted) return;
  if (flooded !== null) floods.value = flooded.items;
  if (silenced !== null) silences.value = silenced.items.filter((each) => each.state === "active");
}

/** A silence ends by the clock without an event of its own. */
const REFRESH_MS = 30_000;
/** A silence that begins or ends tells of every case that it hides; one question answers all of them. */
const SETTLE_MS = 500;
let timer: ReturnType<typeof setTimeout> | undefined;
let soon = false;

function later(ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    soon = false;
    if (!wanted) return;
    void load();
    later(REFRESH_MS);
  }, ms);
}

onReload(() => {
  wanted = true;
  void load();
  later(REFRESH_MS);
});

onFloodEvent(({ flood }) => {
  const others = floods.peek().filter((each) => each.id !== flood.id);
  floods.value = flood.ended_at ? others : [flood, ...others];
});

afterCaseEvent(({ change, case: found }) => {
  const about = change === "silenced" || found.silenced || (found.flood && change === "opened");
  if (!wanted || !about || soon) return;
  soon = true;
  later(SETTLE_MS);
});

/** Forgets everything, for the next officer at this browser. */
export function forgetCorrelation(): void {
  wanted = false;
  clearTimeout(timer);
  floods.value = [];
  silences.value = [];
}

/** Ends a silence before its time, under the version that was seen; then asks how all of them are. */
export async function endSilenceNow(silence: Silence): Promise<void> {
  try {
    await endSilence(silence.id, silence.version);
  } finally {
    await load();
  }
}

export function loadSimilar(id: number): Promise<{ items: SimilarCase[] }> {
  return request("GET", `/cases/${id}/similar`);
}

/** What became of a split. */
export type SplitOutcome =
  | { is: "done"; opened: CaseSummary }
  | Exclude<Outcome, { is: "done" } | { is: "conflict" }>;

/** Takes alerts out of a case into a new one, under the version that the officer saw. */
export async function split(
  found: Pick<CaseSummary, "id" | "version">,
  alerts: readonly string[],
  reason: string,
): Promise<SplitOutcome> {
  try {
    const done = await request<{ case: CaseSummary; opened: CaseSummary }>(
      "POST",
      `/cases/${found.id}/split`,
      {
        alerts,
        reason,
        version: found.version,
      },
    );
    takeSummaries([done.case, done.opened]);
    return { is: "done", opened: done.opened };
  } catch (error) {
    return error instanceof ApiError ? { is: "refused", error } : { is: "line", error };
  }
}
