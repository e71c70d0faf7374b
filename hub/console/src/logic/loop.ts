/** The closed loop as the console needs to know it; what may be done is only the hub's to say. Pure. */
import type { CaseState, CaseSummary } from "../data/types";

/** The way that most cases go. */
export const WAY: readonly CaseState[] = [
  "reported",
  "filed",
  "dispatched",
  "handling",
  "feedback",
  "post_check",
  "closed",
  "evaluated",
];

const ENDED: ReadonlySet<CaseState> = new Set(["closed", "evaluated", "rejected", "merged", "forced_closed"]);

export function isOpen(found: Pick<CaseSummary, "state">): boolean {
  return !ENDED.has(found.state);
}

/** Whether nobody has acknowledged it and somebody should: filing and what follows acknowledge as well. */
export function waits(found: Pick<CaseSummary, "state" | "acknowledged_at">): boolean {
  return (found.state === "reported" || found.state === "pre_verify") && !found.acknowledged_at;
}

/** Where states beside the way stand in for, or come before, one on it. */
const BESIDE: Partial<Record<CaseState, CaseState>> = {
  consulting: "dispatched",
  returned: "dispatched",
  suspended: "handling",
  rejected: "closed",
  merged: "closed",
  forced_closed: "closed",
};

/**
 * The steps to show for a case. A state beside the way stands in the place of the step that it replaces
 * or holds up; a step that a case in the office's hands does not take is left out once it is behind.
 */
export function stepsOf(state: CaseState, been: ReadonlySet<CaseState>): CaseState[] {
  const steps: CaseState[] = [...WAY];
  if (state === "pre_verify" || been.has("pre_verify")) steps.splice(1, 0, "pre_verify");
  const beside = BESIDE[state];
  const at = beside === undefined ? -1 : steps.indexOf(beside);
  const ends = !isOpen({ state });
  if (at >= 0) steps.splice(at, ends ? steps.length - at : 0, state);
  const here = steps.indexOf(state);
  return steps.filter((step, index) => index >= here || been.has(step) || step === "reported");
}
