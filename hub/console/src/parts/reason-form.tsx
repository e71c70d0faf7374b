/** Asks why before something is done that others will read about; in its place, with the focus in it. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Said } from "./said";

interface Given {
  title: string;
  hint?: string;
  busy: boolean;
  send: (reason: string) => void;
  cancel: () => void;
}

export function ReasonForm({ title, hint, busy, send, cancel }: Given) {
  const words = t.value.case;
  const reason = useSignal("");
  const lacks = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <form
      class="reason"
      onSubmit={(event) => {
        event.preventDefault();
        const written = reason.value.trim();
        lacks.value = written === "";
        if (written !== "") send(written);
        else field.current?.focus();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") cancel();
      }}
    >
      <h3 class="reason-title">
        <Said>{title}</Said>
      </h3>
      {hint && <p class="form-note">{hint}</p>}
      <label class="field">
        <span>{words.reason}</span>
        <textarea
          ref={field}
          rows={2}
          maxLength={1000}
          placeholder={words.reasonHint}
          aria-invalid={lacks.value}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
      {lacks.value && (
        <p class="form-error" role="alert">
          {words.reasonNeeded}
        </p>
      )}
      <div class="reason-buttons">
        <button type="submit" class="button button-primary" disabled={busy}>
          {words.confirm}
        </button>
        <button type="button" class="button" onClick={cancel}>
          {t.value.cancel}
        </button>
      </div>
    </form>
  );
}
