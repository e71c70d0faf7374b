/**
 * The quick way of an officer at the keyboard: one key opens the step, a digit chooses and sends, and filing
 * leads on to dispatching. Nothing is chosen for the officer that the hub does not suggest.
 */
import type { ActionField, ActionName, AllowedAction } from "../data/types";
import { type Filled, lackingFields } from "../logic/fields";
import { go, parameters, setParameters } from "../logic/route";

/** The keys of steps, on the board and on the page of a case. */
export const STEP_KEYS: Readonly<Record<string, ActionName>> = { f: "file", d: "dispatch", v: "verify" };

/** What comes by itself after a step that was begun by key. */
const THEN: Partial<Record<ActionName, ActionName>> = { file: "dispatch" };

/** Opens the page of a case with a step begun. */
export function beginStep(id: number, step: ActionName): void {
  go(`/cases/${id}?do=${step}`);
}

/** The step that the address asks for; asked once, so that a reload or the way back does not begin it anew. */
export function takeStep(): ActionName | null {
  const asked = parameters.peek().get("do");
  if (asked === null) return null;
  setParameters({ do: null });
  return Object.values(STEP_KEYS).find((step) => step === asked) ?? null;
}

/** The step that follows, if the hub lets it be done now. */
export function nextStep(done: ActionName, allowed: readonly AllowedAction[]): ActionName | null {
  const next = allowed.find((each) => each.action === THEN[done] && !each.blocked);
  return next?.action ?? null;
}

/** The field that a digit chooses for: the first that must be chosen and is not. */
export function fieldByDigit(
  fields: readonly ActionField[],
  values: Readonly<Record<string, Filled>>,
): ActionField | null {
  const lacking = lackingFields(fields, values);
  return fields.find((field) => field.kind === "one_of" && lacking.includes(field.name)) ?? null;
}
