/** The officer's own load in the last hour. */
import { signal } from "@preact/signals";
import { afterCaseEvent } from "./cases";
import { request } from "./http";
import { onReload } from "./live";
import type { Load } from "./types";

export const load = signal<Load | null>(null);

async function loadLoad(): Promise<void> {
  try {
    load.value = await request<Load>("GET", "/statistics/load");
  } catch {
    // The header shows a dash; the line's own state is shown beside it.
    load.value = null;
  }
}

/** An hour's figure need not be fresher than this; a storm must not become a storm of requests. */
const REFRESH_MS = 60_000;
const SETTLE_MS = 2000;
let timer: ReturnType<typeof setTimeout> | undefined;
let dueAt = Number.POSITIVE_INFINITY;
let wanted = false;

function later(ms: number): void {
  clearTimeout(timer);
  dueAt = Date.now() + ms;
  timer = setTimeout(() => {
    timer = undefined;
    if (!wanted) return;
    void loadLoad();
    later(REFRESH_MS);
  }, ms);
}

onReload(() => {
  wanted = true;
  void loadLoad();
  later(REFRESH_MS);
});
afterCaseEvent(({ change, case: found }) => {
  // Only ever brought forward: a steady rain of events must not put the next question off for ever.
  if (wanted && !found.is_drill && change === "opened" && dueAt > Date.now() + SETTLE_MS) later(SETTLE_MS);
});

/** Stops asking, when nobody is signed in. */
export function forgetLoad(): void {
  wanted = false;
  load.value = null;
}
