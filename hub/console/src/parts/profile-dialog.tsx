/** A device profile to begin with, made by the hub from a message that nobody understood. Text only. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ProfileSkeleton } from "../data/types";
import { problemInWords, t } from "../i18n";
import { Said } from "./said";

type Shown =
  | { is: "loading" }
  | { is: "failed"; error: unknown }
  | { is: "loaded"; profile: ProfileSkeleton };

function download({ toml, file }: ProfileSkeleton): void {
  const address = URL.createObjectURL(new Blob([toml], { type: "application/toml" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = file;
  link.click();
  URL.revokeObjectURL(address);
}

function Profile({ profile }: { profile: ProfileSkeleton }) {
  const words = t.value.profile;
  const area = useRef<HTMLTextAreaElement>(null);
  const note = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(profile.toml);
      note.value = words.copied;
    } catch {
      // Browsers give the clipboard to pages with a certificate only: the text is marked instead.
      area.current?.focus();
      area.current?.select();
      note.value = words.marked;
    }
  };
  return (
    <>
      <textarea
        class="profile-text"
        ref={area}
        readOnly
        rows={16}
        spellcheck={false}
        aria-label={words.title}
        value={profile.toml}
      />
      <p>{words.where(profile.file)}</p>
      <div class="dialog-buttons">
        <button type="button" class="button button-primary" onClick={() => void copy()}>
          {words.copy}
        </button>
        <button type="button" class="button" onClick={() => download(profile)}>
          {words.download}
        </button>
      </div>
      <p role="status">{note.value}</p>
    </>
  );
}

export function ProfileDialog({
  source,
  load,
  close,
}: {
  source: string;
  load: () => Promise<ProfileSkeleton>;
  close: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const shown = useSignal<Shown>({ is: "loading" });
  // Mounted anew for each source.
  useEffect(() => {
    dialog.current?.showModal();
    let current = true;
    load().then(
      (profile) => {
        if (current) shown.value = { is: "loaded", profile };
      },
      (error: unknown) => {
        if (current) shown.value = { is: "failed", error };
      },
    );
    return () => {
      current = false;
    };
  }, []);
  const words = t.value.profile;
  const now = shown.value;
  return (
    <dialog class="dialog dialog-wide" ref={dialog} aria-labelledby="profile-title" onClose={close}>
      <h2 id="profile-title">{words.title}</h2>
      <p>
        <Said class="number">{source}</Said>
      </p>
      {now.is === "loading" && <p class="empty">{t.value.loading}</p>}
      {now.is === "failed" && <p class="note note-bad">{words.failed + problemInWords(now.error)}</p>}
      {now.is === "loaded" && <Profile profile={now.profile} />}
      <button type="button" class="button" onClick={() => dialog.current?.close()}>
        {t.value.close}
      </button>
    </dialog>
  );
}
