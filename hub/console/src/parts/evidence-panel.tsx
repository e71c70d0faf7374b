/**
 * The files of a case: photos are shown, papers opened, and one more can be sent. What is masked needs a
 * reason, which is logged, and is masked again after ten minutes.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { now } from "../data/clock";
import {
  EVIDENCE_TYPES,
  type EvidenceFile,
  type EvidenceList,
  evidenceAddress,
  listEvidence,
  putEvidence,
  reveal,
  sha256Of,
  unfit,
} from "../data/evidence";
import type { Case } from "../data/types";
import { problemInWords, t } from "../i18n";
import { newKey } from "../logic/key";
import { clock } from "../logic/time";
import { Moment } from "./clock";
import type { KeptFile } from "./evidence-keeper";
import { Icon } from "./icons";
import { Said } from "./said";

/** Sends a file at once, for a page that has a line. */
export async function upload(id: number, file: File): Promise<KeptFile> {
  const sha256 = await sha256Of(file);
  await putEvidence(id, sha256, file, newKey());
  return { sha256, name: file.name.slice(0, 60), at: new Date(file.lastModified).toISOString() };
}

interface RevealGiven {
  id: number;
  close: (until: string | null) => void;
}

function RevealDialog({ id, close }: RevealGiven) {
  const words = t.value.evidence;
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useSignal("");
  const failure = useSignal<string | null>(null);
  const busy = useSignal(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (reason.value.trim() === "") {
      failure.value = t.value.case.reasonNeeded;
      return;
    }
    busy.value = true;
    try {
      close((await reveal(id, reason.value.trim())).until);
    } catch (error) {
      failure.value = words.revealFailed + problemInWords(error);
      busy.value = false;
    }
  };
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby="reveal-title" onClose={() => close(null)}>
      <h2 id="reveal-title">{words.revealTitle}</h2>
      <form onSubmit={(event) => void submit(event)}>
        <p class="panel-hint">{words.revealHint}</p>
        <label class="field">
          <span>{words.revealReason}</span>
          <textarea
            rows={3}
            maxLength={200}
            value={reason.value}
            onInput={(event) => {
              reason.value = event.currentTarget.value;
            }}
          />
        </label>
        {failure.value !== null && (
          <p class="form-error" role="alert">
            {failure.value}
          </p>
        )}
        <div class="dialog-buttons">
          <button type="submit" class="button button-primary" disabled={busy.value}>
            {words.revealSubmit}
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            {t.value.cancel}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface PieceGiven {
  id: number;
  file: EvidenceFile;
  hidden: boolean;
  /** Asks anew how the files stand, when one did not show. */
  again: () => void;
}

function Content({ id, file, again }: PieceGiven) {
  const words = t.value.evidence;
  const failed = useSignal(false);
  const address = evidenceAddress(id, file.sha256);
  if (failed.value) return <p class="form-note">{words.gone}</p>;
  if (file.media_type?.startsWith("image/")) {
    return (
      <a href={address}>
        <img
          class="evidence-image"
          src={address}
          alt={words.pictureOf(file.name ?? file.sha256.slice(0, 12))}
          loading="lazy"
          onError={() => {
            failed.value = true;
            again();
          }}
        />
      </a>
    );
  }
  return (
    <a class="button" href={address}>
      {words.open}
    </a>
  );
}

function Piece(given: PieceGiven) {
  const words = t.value.evidence;
  const { file, hidden } = given;
  const at = file.taken_at ?? file.stored_at;
  return (
    <li class="evidence-piece" data-sha256={file.sha256}>
      {file.file !== "there" && <p class="form-note">{words.file[file.file]}</p>}
      {file.file === "there" && hidden && <p class="evidence-masked">{words.masked}</p>}
      {file.file === "there" && !hidden && <Content {...given} />}
      <p class="evidence-facts">
        {file.name && <Said>{file.name}</Said>} {file.stored_by && <Said>{words.by(file.stored_by)}</Said>}{" "}
        {at && <Moment time={at} />} <span class="number">{words.hash(file.sha256)}</span>
      </p>
    </li>
  );
}

/** The files, or the way to see them. */
function Files({ id, list, take }: { id: number; list: EvidenceList; take: (until: string | null) => void }) {
  const words = t.value.evidence;
  const asking = useSignal(false);
  const left = list.revealed_until ? Date.parse(list.revealed_until) - now.value : 0;
  const hidden = list.masked && left <= 0;
  return (
    <>
      {list.items.length === 0 && <p class="empty">{words.empty}</p>}
      {list.masked && !hidden && <p class="tag tag-warning">{words.revealed(clock(left))}</p>}
      <ul class="evidence-files">
        {list.items.map((file) => (
          <Piece
            key={`${file.sha256}${file.file}`}
            id={id}
            file={file}
            hidden={hidden}
            again={() => take(null)}
          />
        ))}
      </ul>
      {hidden && list.items.some((file) => file.file === "there") && (
        <button
          type="button"
          class="button evidence-reveal"
          onClick={() => {
            asking.value = true;
          }}
        >
          <Icon name="eye" />
          {words.reveal}
        </button>
      )}
      {asking.value && (
        <RevealDialog
          id={id}
          close={(until) => {
            asking.value = false;
            if (until !== null) take(until);
          }}
        />
      )}
    </>
  );
}

export function EvidencePanel({ found }: { found: Case }) {
  const words = t.value.evidence;
  const list = useSignal<EvidenceList | null>(null);
  // Apart: reading the list anew, which every change of the case does, takes no refusal off the page.
  const unread = useSignal<string | null>(null);
  const unsent = useSignal<string | null>(null);
  const busy = useSignal(false);
  const sent = useSignal(false);
  const read = useRef(async (id: number) => {
    try {
      list.value = await listEvidence(id);
      unread.value = null;
    } catch (error) {
      unread.value = t.value.evidence.listFailed + problemInWords(error);
    }
  }).current;
  useEffect(() => void read(found.id), [read, found.id, found.version]);
  const add = async (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    sent.value = false;
    if (file === undefined) return;
    const wrong = unfit(file);
    unsent.value = wrong === null ? null : words.unfit[wrong];
    if (wrong !== null) return;
    busy.value = true;
    try {
      await upload(found.id, file);
      sent.value = true;
      await read(found.id);
    } catch (error) {
      unsent.value = words.failed + problemInWords(error);
    }
    busy.value = false;
  };
  return (
    <section class="panel" aria-labelledby="evidence-heading">
      <h2 id="evidence-heading">{words.title}</h2>
      {list.value !== null && (
        <Files
          id={found.id}
          list={list.value}
          take={(until) => {
            if (until === null || list.value === null) void read(found.id);
            else list.value = { ...list.value, revealed_until: until };
          }}
        />
      )}
      <label class="button photo">
        <Icon name="camera" />
        {busy.value ? words.sending : words.add}
        <input
          type="file"
          class="visually-hidden"
          accept={EVIDENCE_TYPES.join()}
          disabled={busy.value}
          onChange={(event) => void add(event)}
        />
      </label>
      <p class="form-note">{words.hint}</p>
      {sent.value && (
        <p class="good" role="status">
          <Icon name="check" /> {words.sent}
        </p>
      )}
      {[unsent.value, unread.value].map(
        (failure) =>
          failure !== null && (
            <p key={failure} class="form-error" role="alert">
              {failure}
            </p>
          ),
      )}
    </section>
  );
}
