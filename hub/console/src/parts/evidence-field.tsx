/**
 * Evidence for an action: the file stays on this machine, the hub gets its name, time and hash. What is
 * shown is what was hashed.
 */
import { useSignal } from "@preact/signals";
import type { ActionField, Evidence } from "../data/types";
import { said, t } from "../i18n";
import type { Filled } from "../logic/fields";
import { Said } from "./said";

/** Larger files are not read into the page. */
const BYTES_MAX = 64 * 1024 * 1024;

async function hashed(file: File, kind: string): Promise<Evidence> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { kind, sha256, name: file.name.slice(0, 60), at: new Date(file.lastModified).toISOString() };
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
  const add = async (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    if (file === undefined) return;
    if (file.size > BYTES_MAX || crypto.subtle === undefined) {
      problem.value = words.evidenceFailed;
      return;
    }
    try {
      change([...pieces, await hashed(file, kind.value)]);
      problem.value = null;
    } catch {
      problem.value = words.evidenceFailed;
    }
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
        <input type="file" aria-label={words.evidenceFile} onChange={(event) => void add(event)} />
      </div>
      <p class="form-note">{words.evidenceStays}</p>
      {problem.value && (
        <p class="form-error" role="alert">
          {problem.value}
        </p>
      )}
    </div>
  );
}
