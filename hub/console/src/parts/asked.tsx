/** Something that a page asks the hub for once, and again after a change: loading, failed, or there. */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { problemInWords, t } from "../i18n";

export interface Asked<T> {
  value: Signal<T | null>;
  error: Signal<unknown>;
  again: () => Promise<void>;
}

/** Asks when the part is first shown and whenever `about` changes; only the newest answer counts. */
export function useAsked<T>(ask: () => Promise<T>, about: unknown = null): Asked<T> {
  const value = useSignal<T | null>(null);
  const error = useSignal<unknown>(null);
  const newest = useRef(0);
  const asking = useRef(ask);
  asking.current = ask;
  const again = useCallback(async () => {
    newest.current += 1;
    const mine = newest.current;
    try {
      const found = await asking.current();
      if (mine !== newest.current) return;
      value.value = found;
      error.value = null;
    } catch (cause) {
      if (mine === newest.current) error.value = cause;
    }
  }, [value, error]);
  useEffect(() => {
    value.value = null;
    void again();
  }, [about, again, value]);
  return { value, error, again };
}

export function Failure({ error, again }: { error: unknown; again?: () => Promise<void> }) {
  if (error === null) return null;
  return (
    <div class="note note-bad" role="alert">
      <bdi>{problemInWords(error)}</bdi>{" "}
      {again && (
        <button type="button" class="button button-small" onClick={() => void again()}>
          {t.value.again}
        </button>
      )}
    </div>
  );
}

/** What was asked for, once it is there. */
export function Shown<T>({
  asked,
  children,
}: {
  asked: Asked<T>;
  children: (value: T) => ComponentChildren;
}) {
  const { value, error, again } = asked;
  return (
    <>
      <Failure error={error.value} again={again} />
      {value.value === null
        ? error.value === null && <p class="note">{t.value.loading}</p>
        : children(value.value)}
    </>
  );
}

/** Does something, and keeps its failure for the page. */
export function useDoing(): {
  busy: Signal<boolean>;
  error: Signal<unknown>;
  run: (what: () => Promise<void>) => void;
} {
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const run = (what: () => Promise<void>) => {
    if (busy.value) return;
    busy.value = true;
    error.value = null;
    what()
      .catch((cause: unknown) => {
        error.value = cause;
      })
      .finally(() => {
        busy.value = false;
      });
  };
  return { busy, error, run };
}
