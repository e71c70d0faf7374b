/** What an action takes: the fields that the hub names for it, with its choices, and the reason. */
import { useSignal } from "@preact/signals";
import { useContext, useEffect, useRef } from "preact/hooks";
import type { ActionField, AllowedAction, Details } from "../data/types";
import { fieldByDigit } from "../duty/quick";
import { actionName, said, t } from "../i18n";
import { blank, detailsOf, type Filled, lackingFields } from "../logic/fields";
import { singleKeys } from "../logic/settings";
import { EvidenceField } from "./evidence-field";
import { type EvidenceKeeper, Keeper } from "./evidence-keeper";
import { Said } from "./said";

interface FieldGiven {
  field: ActionField;
  /** Its choices are numbered: a digit chooses. */
  digits?: boolean;
  value: Filled;
  change: (value: Filled) => void;
  lacking: boolean;
}

function Choices({ field, digits, value, change }: FieldGiven) {
  const many = field.kind === "many_of";
  const chosen = Array.isArray(value) ? (value as string[]) : [];
  return (
    <div class="choices">
      {(field.choices ?? []).map((choice, index) => (
        <label key={choice.value} class="choice">
          <input
            type={many ? "checkbox" : "radio"}
            name={field.name}
            value={choice.value}
            checked={many ? chosen.includes(choice.value) : value === choice.value}
            onChange={() => {
              if (!many) change(choice.value);
              else if (chosen.includes(choice.value)) change(chosen.filter((each) => each !== choice.value));
              else change([...chosen, choice.value]);
            }}
          />
          <Said>{said(choice.label)}</Said>
          {digits && index < 9 && <kbd>{index + 1}</kbd>}
          {field.suggested === choice.value && <span class="tag">{t.value.case.suggested}</span>}
        </label>
      ))}
    </div>
  );
}

/** More choices than this are offered as a list to open. */
const RADIOS_MAX = 6;

function Control(given: FieldGiven) {
  const { field, value, change, lacking } = given;
  const label = said(field.label);
  const typed = (event: Event) => change((event.currentTarget as HTMLInputElement).value);
  switch (field.kind) {
    case "yes_no":
      return (
        <Choices
          {...given}
          field={{
            ...field,
            choices: [
              { value: "true", label: { zh: "是", en: "Yes" } },
              { value: "false", label: { zh: "否", en: "No" } },
            ],
          }}
        />
      );
    case "many_of":
      return <Choices {...given} />;
    case "one_of":
      if ((field.choices ?? []).length <= RADIOS_MAX) return <Choices {...given} />;
      return (
        <select aria-label={label} value={String(value)} onChange={typed} aria-invalid={lacking}>
          <option value="">{t.value.case.choose}</option>
          {(field.choices ?? []).map((choice) => (
            <option key={choice.value} value={choice.value}>
              {said(choice.label)}
            </option>
          ))}
        </select>
      );
    case "evidence":
      return <EvidenceField field={field} value={value} change={change} />;
    case "time":
      return (
        <input
          type="datetime-local"
          aria-label={label}
          aria-invalid={lacking}
          value={String(value)}
          onInput={typed}
        />
      );
    default:
      return (
        <input
          type="text"
          inputMode={field.kind === "case" ? "numeric" : "text"}
          aria-label={label}
          aria-invalid={lacking}
          value={String(value)}
          onInput={typed}
        />
      );
  }
}

/** What the form begins with: photos that were taken for this case belong to its result. */
function begin(fields: readonly ActionField[], keeper: EvidenceKeeper | null): Record<string, Filled> {
  const values = blank(fields);
  for (const field of fields) {
    if (field.kind !== "evidence" || keeper === null) continue;
    const kind = field.suggested ?? field.choices?.[0]?.value ?? "photo";
    values[field.name] = keeper.taken.map((each) => ({ kind, ...each }));
  }
  return values;
}

interface Given {
  action: AllowedAction;
  /** It has been sent and not answered: what is written stays, and is not sent twice. */
  busy?: boolean;
  /** Begun by key: when nothing is lacking, Enter sends it. */
  quick?: boolean;
  send: (details: Details, reason?: string) => void;
  cancel: () => void;
}

export function ActionForm({ action, busy = false, quick = false, send, cancel }: Given) {
  const words = t.value.case;
  const form = useRef<HTMLFormElement>(null);
  const fields = action.fields ?? [];
  const values = useSignal(begin(fields, useContext(Keeper)));
  const reason = useSignal("");
  const lacking = useSignal<readonly string[]>([]);
  useEffect(() => {
    const complete = !action.needs_reason && lackingFields(fields, values.peek()).length === 0;
    const wanted =
      quick && complete ? "button[type=submit]" : "input:checked, textarea, input, select, button";
    form.current?.querySelector<HTMLElement>(wanted)?.focus();
  }, []);
  const submit = () => {
    if (busy) return;
    const written = reason.value.trim();
    const lacks = lackingFields(fields, values.value);
    if (action.needs_reason && written === "") lacks.push("reason");
    lacking.value = lacks;
    if (lacks.length > 0) {
      const wrong = form.current?.querySelector<HTMLElement>(`[data-field="${lacks[0]}"]`);
      wrong?.querySelector<HTMLElement>("textarea, input, select")?.focus();
      return;
    }
    send(detailsOf(fields, values.value), written === "" ? undefined : written);
  };
  const byDigit = busy ? null : fieldByDigit(fields, values.value);
  const chooseByDigit = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || !singleKeys.value) return;
    const typing =
      event.target instanceof Element && event.target.matches("textarea, select, input:not([type=radio])");
    const choice = /^[1-9]$/.test(event.key) ? byDigit?.choices?.[Number(event.key) - 1] : undefined;
    if (typing || byDigit === null || choice === undefined) return;
    event.preventDefault();
    values.value = { ...values.value, [byDigit.name]: choice.value };
    if (!action.needs_reason && lackingFields(fields, values.value).length === 0) submit();
  };
  return (
    <form
      class="reason"
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") cancel();
        else chooseByDigit(event);
      }}
    >
      <h3 class="reason-title">{actionName(action.action)}</h3>
      {fields.map((field) => (
        <fieldset key={field.name} class="field" data-field={field.name}>
          <legend>
            <Said>{said(field.label)}</Said>
            {!field.required && <span class="field-free"> {words.optional}</span>}
          </legend>
          <Control
            field={field}
            digits={byDigit?.name === field.name && singleKeys.value}
            value={values.value[field.name] ?? ""}
            lacking={lacking.value.includes(field.name)}
            change={(value) => {
              values.value = { ...values.value, [field.name]: value };
            }}
          />
          {lacking.value.includes(field.name) && (
            <p class="form-error" role="alert">
              {words.fieldNeeded}
            </p>
          )}
        </fieldset>
      ))}
      <label class="field" data-field="reason">
        <span>
          {words.reason}
          {!action.needs_reason && <span class="field-free"> {words.optional}</span>}
        </span>
        <textarea
          rows={3}
          maxLength={2000}
          placeholder={words.reasonHint}
          aria-invalid={lacking.value.includes("reason")}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
      {lacking.value.includes("reason") && (
        <p class="form-error" role="alert">
          {words.reasonNeeded}
        </p>
      )}
      {action.second_person && <p class="form-note">{words.secondPerson}</p>}
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
