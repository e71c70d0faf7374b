/**
 * What the officer does, shown at once and undone visibly when the hub says otherwise. Only
 * acknowledging is shown ahead of the hub's answer: the version check can undo it.
 */
import { signal } from "@preact/signals";
import { act, type Outcome, openCases } from "../data/cases";
import { hubNow } from "../data/clock";
import type { ActionName, Case, CaseSummary, Details } from "../data/types";
import { actionName, at, problemInWords, t } from "../i18n";
import { waits } from "../logic/loop";

/** Actions that the hub has not answered yet. */
export const pending = signal<ReadonlyMap<number, ActionName>>(new Map());

export interface Notice {
  tone: "good" | "warning" | "bad";
  text: string;
}

/** What the officer should know about a case after an action; stays until it is put away. */
export const notices = signal<ReadonlyMap<number, Notice>>(new Map());

export function setNotice(id: number, notice: Notice | null): void {
  const next = new Map(notices.value);
  if (notice === null) next.delete(id);
  else next.set(id, notice);
  notices.value = next;
}

function setPending(id: number, action: ActionName | null): void {
  const next = new Map(pending.value);
  if (action === null) next.delete(id);
  else next.set(id, action);
  pending.value = next;
}

/** Who was first, with what and when. */
export function conflictInWords(current: Case): string {
  // Alerts that join or clear are no conflict; what people do and what the hub decides is.
  const decisions = current.transitions.filter((each) => each.action !== "join" && each.action !== "clear");
  const last = decisions.at(-1);
  if (last === undefined) return t.value.outcome.conflictUnknown;
  const who = last.actor === "system" ? t.value.product : last.actor_name || last.actor;
  return t.value.outcome.conflict(who, actionName(last.action), at(last.at, hubNow()));
}

function noticeOf(outcome: Outcome, action: ActionName): Notice | null {
  switch (outcome.is) {
    case "done":
      return action === "acknowledge"
        ? null
        : { tone: "good", text: t.value.outcome.done(actionName(action)) };
    case "conflict":
      return { tone: "warning", text: conflictInWords(outcome.current) };
    case "refused":
      return { tone: "bad", text: t.value.outcome.refused + problemInWords(outcome.error) };
    case "line":
      return { tone: "bad", text: t.value.outcome.line };
  }
}

/** Does one thing to a case once; a second press while the first waits does nothing. */
export async function perform(
  found: Pick<CaseSummary, "id" | "version">,
  action: ActionName,
  reason?: string,
  details: Details = {},
): Promise<Outcome | null> {
  if (pending.value.has(found.id)) return null;
  setPending(found.id, action);
  setNotice(found.id, null);
  const outcome = await act(found.id, found.version, action, reason, details);
  setPending(found.id, null);
  setNotice(found.id, noticeOf(outcome, action));
  return outcome;
}

export function acknowledge(id: number): void {
  const found = openCases.value.get(id);
  if (found !== undefined && waits(found)) void perform(found, "acknowledge");
}
