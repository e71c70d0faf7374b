/**
 * The files of a case: photos are shown, papers opened, and one more can be sent. What is masked needs a
 * reason, which is logged, and is masked again after ten minutes.
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { hubNow, now } from "../data/clock";
import {
  EVIDENCE_TYPES,
  type EvidenceFile,
  evidenceAddress,
  listEvidence,
  lookAt,
  putEvidence,
  REVEALED_MS,
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
  sha256: string;
  close: (until: number | null) => void;
}

function RevealDialog({ id, sha256, close }: RevealGiven) {
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
      await reveal(id, sha256, reason.value.trim());
      close(hubNow() + REVEALED_MS);
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
            maxLength={500}
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

type Sight = "unseen" | "shown" | "masked" | "gone";

function Content({
  id,
  file,
  sight,
  turn,
}: {
  id: number;
  file: EvidenceFile;
  sight: Signal<Sight>;
  turn: number;
}) {
  const words = t.value.evidence;
  // Another address after a reveal: the browser remembers that the first one failed.
  const address = `${evidenceAddress(id, file.sha256)}${turn > 0 ? `?turn=${turn}` : ""}`;
  const look = async () => {
    const found = await lookAt(id, file.sha256);
    sight.value = found === "line" ? "gone" : found;
  };
  if (file.type.startsWith("image/")) {
    return (
      <a href={address} target="_blank" rel="noreferrer">
        <img
          class="evidence-image"
          src={address}
          alt={words.pictureOf(file.name ?? file.sha256.slice(0, 12))}
          loading="lazy"
          onLoad={() => {
            sight.value = "shown";
          }}
          onError={() => void look()}
        />
      </a>
    );
  }
  if (sight.value === "shown") {
    return (
      <a class="button" href={address} target="_blank" rel="noreferrer">
        {words.open}
      </a>
    );
  }
  return (
    <button type="button" class="button" onClick={() => void look()}>
      {words.show}
    </button>
  );
}

function Piece({ id, file }: { id: number; file: EvidenceFile }) {
  const words = t.value.evidence;
  const sight = useSignal<Sight>("unseen");
  const asking = useSignal(false);
  const until = useSignal<number | null>(null);
  const turn = useSignal(0);
  const left = until.value === null ? null : until.value - now.value;
  useEffect(() => {
    if (left === null || left > 0) return;
    until.value = null;
    sight.value = "masked";
  }, [left, until, sight]);
  return (
    <li class="evidence-piece" data-sha256={file.sha256}>
      {!file.present && <p class="form-note">{words.notPresent}</p>}
      {file.present && sight.value !== "masked" && sight.value !== "gone" && (
        <Content id={id} file={file} sight={sight} turn={turn.value} />
      )}
      {sight.value === "gone" && <p class="form-note">{words.gone}</p>}
      {sight.value === "masked" && (
        <div class="evidence-masked">
          <p>{words.masked}</p>
          <button
            type="button"
            class="button"
            onClick={() => {
              asking.value = true;
            }}
          >
            <Icon name="eye" />
            {words.reveal}
          </button>
        </div>
      )}
      {left !== null && left > 0 && <p class="tag tag-warning">{words.revealed(clock(left))}</p>}
      <p class="evidence-facts">
        {file.name && <Said>{file.name}</Said>} <Said>{words.by(file.by)}</Said> <Moment time={file.at} />{" "}
        <span class="number">{words.hash(file.sha256)}</span>
      </p>
      {asking.value && (
        <RevealDialog
          id={id}
          sha256={file.sha256}
          close={(shownUntil) => {
            asking.value = false;
            if (shownUntil === null) return;
            until.value = shownUntil;
            turn.value += 1;
            sight.value = "unseen";
          }}
        />
      )}
    </li>
  );
}

export function EvidencePanel({ found }: { found: Case }) {
  const words = t.value.evidence;
  const files = useSignal<EvidenceFile[] | null>(null);
  const failure = useSignal<string | null>(null);
  const busy = useSignal(false);
  const sent = useSignal(false);
  const read = useRef(async (id: number) => {
    try {
      files.value = await listEvidence(id);
      failure.value = null;
    } catch (error) {
      failure.value = t.value.evidence.listFailed + problemInWords(error);
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
    failure.value = wrong === null ? null : words.unfit[wrong];
    if (wrong !== null) return;
    busy.value = true;
    try {
      await upload(found.id, file);
      sent.value = true;
      await read(found.id);
    } catch (error) {
      failure.value = words.failed + problemInWords(error);
    }
    busy.value = false;
  };
  return (
    <section class="panel" aria-labelledby="evidence-heading">
      <h2 id="evidence-heading">{words.title}</h2>
      {files.value?.length === 0 && <p class="empty">{words.empty}</p>}
      <ul class="evidence-files">
        {(files.value ?? []).map((file) => (
          <Piece key={file.sha256} id={found.id} file={file} />
        ))}
      </ul>
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
      {failure.value !== null && (
        <p class="form-error" role="alert">
          {failure.value}
        </p>
      )}
    </section>
  );
}
