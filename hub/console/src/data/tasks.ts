/**
 * A person's tasks on the phone: the open cases that the hub shows to this person, kept for places without
 * a line, and each of them in full as soon as there is one.
 */
import { computed, effect } from "@preact/signals";
import { listState, loadCase, openCases } from "./cases";
import { ApiError } from "./http";
import { keepCase, keepTasks, keptCase, keptTasks, PHONE_ROLES } from "./kept";
import { session } from "./session";
import type { Case, CaseSummary } from "./types";

/** Whether this person works with the phone pages. */
export const onPhone = computed(
  () => session.value.is === "signed-in" && PHONE_ROLES.has(session.value.session.role),
);

/** Whether the list is the one that was kept, because the hub has not been heard yet. */
export const tasksKept = computed(() => listState.value.is !== "loaded");

/** The cases that are this person's work: a checker's are those with a result to check. */
export const tasks = computed<CaseSummary[]>(() => {
  const state = session.value;
  if (state.is !== "signed-in") return [];
  const all = tasksKept.value ? keptTasks() : [...openCases.value.values()];
  if (state.session.role !== "checker") return all;
  return all.filter((each) => each.state === "feedback" || each.state === "post_check");
});

export type TaskFound =
  | { is: "found"; case: Case; kept: boolean }
  | { is: "gone" }
  | { is: "failed"; error: unknown };

/** A task in full: from the hub, or as it was kept. */
export async function findTask(id: number): Promise<TaskFound> {
  try {
    const found = await loadCase(id);
    if (onPhone.peek()) keepCase(found);
    return { is: "found", case: found, kept: false };
  } catch (error) {
    if (error instanceof ApiError && error.problem.status === 404) return { is: "gone" };
    const kept = keptCase(id);
    return kept === null ? { is: "failed", error } : { is: "found", case: kept, kept: true };
  }
}

export function keptTask(id: number): Case | null {
  return keptCase(id);
}

/** A phone's tasks are read ahead one by one, so that they are there in a cellar. */
async function readAhead(ids: readonly number[]): Promise<void> {
  for (const id of ids) {
    const listed = openCases.peek().get(id);
    if (listed === undefined || keptCase(id)?.version === listed.version) continue;
    if ((await findTask(id)).is !== "found") return;
  }
}

/** At most so many are read ahead; the same as are kept. */
const AHEAD_MAX = 60;
const SETTLE_MS = 1000;

/** Begins to keep the tasks; once per page. */
export function followTasks(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    if (!onPhone.value || listState.value.is !== "loaded") return;
    const now = tasks.value;
    clearTimeout(timer);
    timer = setTimeout(() => {
      keepTasks(now);
      void readAhead(now.slice(0, AHEAD_MAX).map((each) => each.id));
    }, SETTLE_MS);
  });
}
