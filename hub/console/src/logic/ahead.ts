/**
 * What comes after work that is not sent yet. In a place without a line the hub cannot say what is allowed
 * next, so the one step that always follows is offered: the result follows the accepting. The hub still
 * decides when it is sent. Pure.
 */
import type { AllowedAction, Case } from "../data/types";
import type { OutboxItem } from "./outbox";

const RESULT: AllowedAction = {
  action: "feedback",
  needs_reason: true,
  fields: [
    {
      name: "evidence",
      label: { zh: "证据", en: "Evidence" },
      kind: "evidence",
      required: false,
      choices: [{ value: "photo", label: { zh: "现场照片", en: "Photo" } }],
    },
  ],
};

/** What may be done on top of what the queue already holds for this case. */
export function allowedAhead(found: Case, queued: readonly OutboxItem[]): AllowedAction[] {
  const steps = queued.flatMap((each) =>
    each.case === found.id && each.state !== "done" && each.work.kind === "action" ? [each.work.action] : [],
  );
  const moved = steps.filter((action) => action !== "note");
  const last = moved.at(-1);
  if (last === undefined) return found.allowed_actions;
  const note = found.allowed_actions.filter((each) => each.action === "note");
  return last === "handle" ? [RESULT, ...note] : note;
}

/** Whether a press is enough: nothing has to be written or chosen. */
export function oneTap(action: AllowedAction): boolean {
  return !action.needs_reason && (action.fields ?? []).every((field) => !field.required);
}
