/**
 * Cases become one, and are parted again: what is done, and what the page of the case says about it. Nothing is
 * shown ahead of the hub's answer: two cases change at once, and half of that would mislead.
 */
import { loadCase, type Outcome } from "../data/cases";
import { split } from "../data/correlation";
import type { Case, CaseSummary } from "../data/types";
import { problemInWords, t } from "../i18n";
import { perform, setNotice } from "./actions";

type Versioned = Pick<CaseSummary, "id" | "version" | "number">;

function bad(id: number, outcome: Outcome | { is: "refused" | "line"; error: unknown }): void {
  const words = t.value.outcome;
  const text = outcome.is === "refused" ? words.refused + problemInWords(outcome.error) : words.line;
  setNotice(id, { tone: "bad", text });
}

/** Says on the page of `here` what came of an action on another case. */
function tell(here: number, other: Versioned, outcome: Outcome | null, done: string): void {
  if (outcome === null) return;
  // It is told here, where somebody waits for it, and not once more on the other case.
  setNotice(other.id, null);
  if (outcome.is === "done") setNotice(here, { tone: "good", text: done });
  else if (outcome.is === "conflict")
    setNotice(here, { tone: "warning", text: t.value.kin.otherOvertaken(other.number) });
  else bad(here, outcome);
}

/** Merges this case into another; the case as it is afterwards, if the hub said how. */
export async function mergeInto(here: Versioned, into: Versioned, reason: string): Promise<Case | null> {
  const outcome = await perform(here, "merge", reason, { case: into.id });
  if (outcome?.is === "done") setNotice(here.id, { tone: "good", text: t.value.kin.mergedAway(into.number) });
  if (outcome?.is === "done") return outcome.case;
  return outcome?.is === "conflict" ? outcome.current : null;
}

/** Merges another case into this one. */
export async function takeIn(here: Versioned, other: Versioned, reason: string): Promise<void> {
  const outcome = await perform(other, "merge", reason, { case: here.id });
  tell(here.id, other, outcome, t.value.kin.tookIn(other.number));
}

/** Brings a case back that this one has taken in. */
export async function giveBack(here: Versioned, other: Versioned, reason: string): Promise<void> {
  const outcome = await perform(other, "undo_merge", reason);
  tell(here.id, other, outcome, t.value.kin.back(other.number));
}

/** Undoes the merge of this case. */
export async function comeBack(here: Versioned, reason: string): Promise<Case | null> {
  const outcome = await perform(here, "undo_merge", reason);
  if (outcome?.is === "done") return outcome.case;
  return outcome?.is === "conflict" ? outcome.current : null;
}

/** Takes alerts out of this case; gives it as it is afterwards. */
export async function splitOff(
  here: Versioned,
  alerts: readonly string[],
  reason: string,
): Promise<Case | null> {
  const outcome = await split(here, alerts, reason);
  const words = t.value.kin;
  if (outcome.is === "done")
    setNotice(here.id, { tone: "good", text: words.splitDone(outcome.opened.number) });
  else if (outcome.is === "refused" && outcome.error.code === "version-conflict")
    setNotice(here.id, { tone: "warning", text: words.overtaken });
  else bad(here.id, outcome);
  // The answer has the summaries only, and after a conflict the page has to show what was overlooked.
  return outcome.is === "line" ? null : loadCase(here.id).catch(() => null);
}
