/** Cases of child hubs in the words of this one. Pure. */
import type { Child, ChildAsk, ChildCommand, ChildDocument } from "../data/children";
import { CASE_STATES, type CaseState, type ChildEvent, type Role } from "../data/types";
import { stepsOf } from "./loop";

export type AskName = ChildAsk["action"];

/** In the order in which they are offered. */
export const ASKS: readonly AskName[] = ["comment", "ask_report", "set_urgent", "set_card", "answer_call"];

const WATCH: readonly Role[] = ["dispatcher", "shift_leader", "supervisor", "leader", "administrator"];

/**
 * Who may ask for what. By hand: the hub gives no list of what is allowed for a child's case, and a button
 * that is always refused is worse than none. The hub decides about every request itself.
 */
const MAY: Record<AskName, (role: Role) => boolean> = {
  comment: (role) => role !== "auditor",
  ask_report: (role) => WATCH.includes(role),
  set_urgent: (role) => WATCH.includes(role),
  set_card: (role) => role === "supervisor" || role === "leader",
  answer_call: (role) => role === "unit",
};

/** Calls that nobody has answered. */
export function waitingCalls(found: ChildDocument): NonNullable<ChildDocument["calls"]> {
  return (found.calls ?? []).filter((call) => !call.answered_at);
}

/** What this role may ask for about a case as it stands; nothing about one that the child has no longer. */
export function asksFor(role: Role, found: ChildDocument, lost: boolean): AskName[] {
  if (lost) return [];
  return ASKS.filter((name) => {
    if (!MAY[name](role)) return false;
    if (name === "answer_call") return waitingCalls(found).length > 0;
    return name === "comment" || found.is_open;
  });
}

/** How a command stands: it waits for the child, was fetched by it, was done there, or was refused there. */
export type CommandState = "waiting" | "delivered" | "done" | "refused";

export function commandState({ result, delivered_at }: ChildCommand): CommandState {
  return result?.outcome ?? (delivered_at ? "delivered" : "waiting");
}

/** Whether an event may have changed what is shown of this case: it names the case, or the hub alone. */
export function concerns(event: ChildEvent, key: { hub: string; epoch: number; id: number }): boolean {
  if (event.hub !== key.hub) return false;
  const unnamed = event.case === undefined || event.case === null;
  return unnamed || (event.case === key.id && event.case_epoch === key.epoch);
}

/** A newer child may have states that this console does not know. */
const isState = (name: string): name is CaseState => CASE_STATES.some((each) => each === name);

export interface ChildStep {
  state: string;
  /** When it came there last; none for a step that is to come. */
  at: string | null;
  here: boolean;
}

/** The way of a child's case: what it has been through, and what is to come where the way is known. */
export function wayOf(found: ChildDocument): ChildStep[] {
  const steps = found.steps ?? [];
  const entered = (state: string) =>
    steps.filter((step) => step.to === state && step.from !== state).at(-1)?.at ?? null;
  const here = found.state;
  const line = (state: string): ChildStep => ({ state, at: entered(state), here: state === here });
  if (isState(here)) return stepsOf(here, new Set(steps.map(({ to }) => to).filter(isState))).map(line);
  const been = [...new Set(steps.map(({ to }) => to))].filter((state) => state !== here);
  return [...been, here].map(line);
}

/** Whether its time is over. */
export function isLate(found: ChildDocument, nowMs: number): boolean {
  return found.is_open && !!found.due_at && Date.parse(found.due_at) < nowMs;
}

/** How many of its events are not here yet; null when that cannot be told, as after a restore. */
export function behind({ known, newest }: Child): number | null {
  if (!newest) return null;
  if (!known) return newest.sequence;
  return known.epoch === newest.epoch ? Math.max(0, newest.sequence - known.sequence) : null;
}

/** A clock that is so far off makes times of cases misleading: heartbeats need some seconds themselves. */
const CLOCK_OFF_MS = 30_000;

export const clockIsOff = ({ clock_ahead_ms: ahead }: Child) => Math.abs(ahead ?? 0) > CLOCK_OFF_MS;
