/** What the officer may do to a case, and why not where the hub says so. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { AllowedAction, Case } from "../data/types";
import { pending, perform } from "../duty/actions";
import { actionName, said, t } from "../i18n";
import { Said } from "./said";

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
  const open = found.allowed_actions.find((each) => each.action === asked.value && !each.blocked);
  return (
    <section class="panel panel-actions" aria-labelledby="actions-heading">
      <h2 id="actions-heading">{words.actions}</h2>
      {found.allowed_actions.length === 0 && <p class="empty">{words.noActions}</p>}
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
                {actionName(each.action)}
                {each.action === "acknowledge" && <kbd>A</kbd>}
              </button>
              {blocked && (
                <p class="blocked" id={`blocked-${each.action}`}>
                  <Said>{blocked}</Said>
                </p>
              )}
              {!blocked && each.second_person && <p class="blocked">{words.secondPerson}</p>}
            </li>
          );
        })}
      </ul>
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
