/** What the officer may do to a case, and why not where the hub says so. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { ActionName, AllowedAction, Case, Details } from "../data/types";
import { pending, perform } from "../duty/actions";
import { commandOf } from "../duty/keys";
import { nextStep, STEP_KEYS, takeStep } from "../duty/quick";
import { actionName, said, t } from "../i18n";
import { openProposal } from "../logic/proposal";
import { ActionForm } from "./action-form";
import { Said } from "./said";
import { actorName } from "./way";

/** What the first person has proposed and why, for the second one to decide on. */
function ProposalNote({ found }: { found: Case }) {
  const proposal = openProposal(found.transitions);
  if (proposal === null) return null;
  return (
    <div class="proposal">
      <strong>
        <Said>{t.value.case.proposal(actorName(proposal), actionName(proposal.action))}</Said>
      </strong>
      {proposal.reason && <Said>{proposal.reason}</Said>}
    </div>
  );
}

/** A second person confirms what the first one has proposed. */
function labelOf(found: Case, each: AllowedAction): string {
  const proposed = openProposal(found.transitions)?.action === `propose_${each.action}`;
  const name = actionName(each.action);
  return proposed && !each.blocked ? t.value.case.confirmAction(name) : name;
}

interface Given {
  found: Case;
  take: (found: Case) => void;
}

/** What comes next for most cases; the rest is offered below it. */
const MAIN: ReadonlySet<ActionName> = new Set([
  "acknowledge",
  "file",
  "dispatch",
  "handle",
  "feedback",
  "check",
  "close",
  "resume",
]);

/** The step that comes next: the first of the main ones that can be done now. */
function nextOf(found: Case): ActionName | undefined {
  return found.allowed_actions.find((each) => MAIN.has(each.action) && !each.blocked)?.action;
}

const keyOf = (action: ActionName) => Object.keys(STEP_KEYS).find((key) => STEP_KEYS[key] === action);

/** The key beside the name of a step; readers are told it by `aria-keyshortcuts`. */
function StepKey({ step }: { step: ActionName }) {
  const key = keyOf(step);
  return key === undefined ? null : (
    <span aria-hidden="true">
      <kbd>{key.toUpperCase()}</kbd>
    </span>
  );
}

/** Whether a form is to be filled in before it is sent. */
function asks(action: AllowedAction): boolean {
  return action.needs_reason || (action.fields ?? []).length > 0;
}

/** Calls with the step that a key asks for, and at first with the one that the address asks for. */
function useSteps(begin: (step: ActionName) => void): void {
  const begun = useRef(begin);
  begun.current = begin;
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const step = STEP_KEYS[commandOf(event) ?? ""];
      if (step === undefined) return;
      event.preventDefault();
      begun.current(step);
    };
    document.addEventListener("keydown", listen);
    const asked = takeStep();
    if (asked !== null) begun.current(asked);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}

export function Actions({ found, take }: Given) {
  const words = t.value.case;
  const asked = useSignal<string | null>(null);
  /** The step was begun by key: what follows it opens by itself. */
  const quick = useSignal(false);
  const sent = useSignal<{ action: string; reason: string } | null>(null);
  const waits = pending.value.has(found.id);
  const send = async (action: AllowedAction, details: Details = {}, reason?: string) => {
    sent.value = reason === undefined ? null : { action: action.action, reason };
    const outcome = await perform(found, action.action, reason, details);
    if (outcome?.is === "done") {
      asked.value = null;
      sent.value = null;
      if (quick.value) asked.value = nextStep(action.action, outcome.case.allowed_actions);
      quick.value = asked.value !== null;
      take(outcome.case);
    } else if (outcome?.is === "conflict") take(outcome.current);
  };
  const press = (each: AllowedAction) => {
    if (asks(each)) asked.value = asked.value === each.action ? null : each.action;
    else void send(each);
  };
  useSteps((step) => {
    const wanted = found.allowed_actions.find((each) => each.action === step && !each.blocked);
    if (wanted === undefined || waits) return;
    quick.value = true;
    press(wanted);
  });
  const proposal = openProposal(found.transitions);
  const next = nextOf(found);
  const open = found.allowed_actions.find((each) => each.action === asked.value && !each.blocked);
  return (
    <section class="panel panel-actions" aria-labelledby="actions-heading">
      <h2 id="actions-heading">{words.actions}</h2>
      {found.allowed_actions.length === 0 && <p class="empty">{words.noActions}</p>}
      <ProposalNote found={found} />
      <ul class="actions">
        {found.allowed_actions.map((each) => {
          const blocked = said(each.blocked);
          const main = each.action === next;
          const severity = each.action === "acknowledge" ? ` button-ack button-ack-${found.severity}` : "";
          return (
            <li key={each.action} class={main ? "action-main" : undefined}>
              <button
                type="button"
                class={`button button-action${main ? " button-primary" : ""}${severity}`}
                disabled={blocked !== "" || waits}
                aria-expanded={asks(each) ? asked.value === each.action : undefined}
                aria-describedby={blocked ? `blocked-${each.action}` : undefined}
                aria-keyshortcuts={keyOf(each.action)?.toUpperCase()}
                onClick={() => {
                  quick.value = false;
                  press(each);
                }}
              >
                {labelOf(found, each)}
                {each.action === "acknowledge" && <kbd>A</kbd>}
                <StepKey step={each.action} />
              </button>
              {blocked && (
                <p class="blocked" id={`blocked-${each.action}`}>
                  <Said>{blocked}</Said>
                </p>
              )}
              {!blocked && each.second_person && proposal === null && (
                <p class="blocked">{words.secondPerson}</p>
              )}
            </li>
          );
        })}
      </ul>
      {waits && <p class="form-note">{words.sending}</p>}
      {open && (
        <ActionForm
          key={open.action}
          action={open}
          busy={waits}
          quick={quick.value}
          send={(details, reason) => void send(open, details, reason)}
          cancel={() => {
            asked.value = null;
          }}
        />
      )}
      {!open && !waits && sent.value !== null && (
        <div class="proposal">
          <strong>{words.notSent(actionName(sent.value.action))}</strong>
          <Said>{sent.value.reason}</Said>
        </div>
      )}
    </section>
  );
}
