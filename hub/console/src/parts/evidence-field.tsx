/**
 * Evidence for an action: the hub gets its name, time and hash with the action, and its bytes by whoever
 * keeps files on this page. What is shown is what was hashed.
 */
import { useSignal } from "@preact/signals";
import { useContext } from "preact/hooks";
import { EVIDENCE_TYPES, sha256Of, unfit } from "../data/evidence";
import type { ActionField, Evidence } from "../data/types";
import { said, t } from "../i18n";
import type { Filled } from "../logic/fields";
import { Keeper, type KeptFile } from "./evidence-keeper";
import { Said } from "./said";

/** Larger files are not read into the page. */
const BYTES_MAX = 64 * 1024 * 1024;

async function hashed(file: File): Promise<KeptFile> {
  return {
    sha256: await sha256Of(file),
    name: file.name.slice(0, 60),
    at: new Date(file.lastModified).toISOString(),
  };
}

interface Given {
  field: ActionField;
  value: Filled;
  change: (value: Filled) => void;
}

export function EvidenceField({ field, value, change }: Given) {
  const words = t.value.case;
  const pieces = Array.isArray(value) ? (value as Evidence[]) : [];
  const choices = field.choices ?? [];
  const kind = useSignal(field.suggested ?? choices[0]?.value ?? "photo");
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const keeper = useContext(Keeper);
  const add = async (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    if (file === undefined) return;
    if (file.size > BYTES_MAX || crypto.subtle === undefined) {
      problem.value = words.evidenceFailed;
      return;
    }
    const wrong = keeper === null ? null : unfit(file);
    if (wrong !== null) {
      problem.value = t.value.evidence.unfit[wrong];
      return;
    }
    busy.value = true;
    try {
      const kept = await (keeper?.keep ?? hashed)(file);
      change([...pieces, { kind: kind.value, ...kept }]);
      problem.value = null;
    } catch {
      problem.value = keeper === null ? words.evidenceFailed : t.value.evidence.notKept;
    }
    busy.value = false;
  };
  return (
    <div class="evidence">
      <ul class="plain">
        {pieces.map((piece) => (
          <li key={piece.sha256}>
            <Said>{piece.name}</Said> <span class="number">{piece.sha256.slice(0, 12)}…</span>
            <button
              type="button"
              class="button button-small"
              onClick={() => change(pieces.filter((each) => each.sha256 !== piece.sha256))}
            >
              {words.evidenceRemove}
            </button>
          </li>
        ))}
      </ul>
      <div class="evidence-add">
        {choices.length > 0 && (
          <select
            aria-label={words.evidenceKind}
            value={kind.value}
            onChange={(event) => {
              kind.value = event.currentTarget.value;
            }}
          >
            {choices.map((choice) => (
              <option key={choice.value} value={choice.value}>
                {said(choice.label)}
              </option>
            ))}
          </select>
        )}
        <input
          type="file"
          accept={keeper === null ? undefined : EVIDENCE_TYPES.join()}
          aria-label={words.evidenceFile}
          disabled={busy.value}
          onChange={(event) => void add(event)}
        />
      </div>
      <p class="form-note">
        {busy.value ? t.value.evidence.sending : t.value.evidence.note[keeper?.note ?? "stays"]}
      </p>
      {problem.value && (
        <p class="form-error" role="alert">
          {problem.value}
        </p>
      )}
    </div>
  );
}
