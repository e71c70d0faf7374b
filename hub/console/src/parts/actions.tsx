/** What the officer may do to a case, and why not where the hub says so. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { session } from "../data/session";
import type { AllowedAction, Case } from "../data/types";
import { pending, perform } from "../duty/actions";
import { actionName, said, t } from "../i18n";
import { isOpen } from "../logic/merge";
import { openProposal } from "../logic/proposal";
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

function ReasonForm({
  action,
  send,
  cancel,
}: {
  action: AllowedAction;
  send: (reason: string) => void;
  cancel: () => void;
}) {
  const words = t.value.case;
  const box = useRef<HTMLTextAreaElement>(null);
  const lacking = useSignal(false);
  useEffect(() => box.current?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    const reason = box.current?.value.trim() ?? "";
    if (reason === "") {
      lacking.value = true;
      box.current?.focus();
      return;
    }
    send(reason);
  };
  return (
    <form class="reason" onSubmit={submit}>
      <label class="field">
        <span>
          {actionName(action.action)} · {words.reason}
        </span>
        <textarea
          ref={box}
          rows={3}
          maxLength={2000}
          placeholder={words.reasonHint}
          aria-invalid={lacking.value}
          onKeyDown={(event) => {
            if (event.key === "Escape") cancel();
          }}
        />
      </label>
      {lacking.value && (
        <p class="form-error" role="alert">
          {words.reasonNeeded}
        </p>
      )}
      {action.second_person && <p class="form-note">{words.secondPerson}</p>}
      <div class="reason-buttons">
        <button type="submit" class="button button-primary">
          {words.confirm}
        </button>
        <button type="button" class="button" onClick={cancel}>
          {t.value.cancel}
        </button>
      </div>
    </form>
  );
}

export function Actions({ found, take }: Given) {
  const words = t.value.case;
  const asked = useSignal<string | null>(null);
  const waits = pending.value.has(found.id);
  const send = async (action: AllowedAction, reason?: string) => {
    const outcome = await perform(found, action.action, reason);
    if (outcome?.is === "done") {
      asked.value = null;
      take(outcome.case);
    } else if (outcome?.is === "conflict") take(outcome.current);
  };
  const proposal = openProposal(found.transitions);
  const open = found.allowed_actions.find((each) => each.action === asked.value && !each.blocked);
  return (
    <section class="panel panel-actions" aria-labelledby="actions-heading">
      <h2 id="actions-heading">{words.actions}</h2>
      {found.allowed_actions.length === 0 && <p class="empty">{words.noActions}</p>}
      <ProposalNote found={found} />
      <ul class="actions">
        {found.allowed_actions.map((each) => {
          const blocked = said(each.blocked);
          const main =
            each.action === "acknowledge" || (each.action === "file" && found.state === "acknowledged");
          const severity = each.action === "acknowledge" ? ` button-ack button-ack-${found.severity}` : "";
          return (
            <li key={each.action} class={main ? "action-main" : undefined}>
              <button
                type="button"
                class={`button button-action${main ? " button-primary" : ""}${severity}`}
                disabled={blocked !== "" || waits}
                aria-expanded={each.needs_reason ? asked.value === each.action : undefined}
                aria-describedby={blocked ? `blocked-${each.action}` : undefined}
                onClick={() => {
                  if (each.needs_reason) asked.value = asked.value === each.action ? null : each.action;
                  else void send(each);
                }}
              >
                {labelOf(found, each)}
                {each.action === "acknowledge" && <kbd>A</kbd>}
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
      {session.value.is === "signed-in" && session.value.session.role === "duty_officer" && isOpen(found) && (
        <p class="form-note">{words.supervisorEnds}</p>
      )}
      {waits && <p class="form-note">{words.sending}</p>}
      {open && !waits && (
        <ReasonForm
          key={open.action}
          action={open}
          send={(reason) => void send(open, reason)}
          cancel={() => {
            asked.value = null;
          }}
        />
      )}
    </section>
  );
}
