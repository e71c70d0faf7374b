/**
 * What cannot be drawn takes nothing else with it: in its place stands that it could not be drawn and the way to try
 * again. Without this a failure leaves the page half of what it was and half of what it is.
 */
import { useSignal } from "@preact/signals";
import { type ComponentChildren, Fragment } from "preact";
import { useEffect, useErrorBoundary, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Said } from "./said";

/** Nobody presses a button at the wall. */
const SELF_RETRY_MS = 30_000;

interface Given {
  /** What is drawn, in the reader's words: "the chart". */
  what: string;
  /** What it is drawn from: with something new it is tried again. */
  from?: unknown;
  /** Tries again by itself every half minute. */
  alone?: boolean;
  /** Stands in a list. */
  item?: boolean;
  children: ComponentChildren;
}

export function Guard({ what, from, alone = false, item = false, children }: Given) {
  const tries = useSignal(0);
  const tried = useRef(from);
  const [error, forget] = useErrorBoundary((cause: unknown) => {
    // As if nobody had caught it: the browser's own tools, and the tests, hear of it.
    reportError(cause);
  });
  // Drawn from nothing: what is left of the failed drawing is not taken over.
  const again = () => {
    tries.value += 1;
    forget();
  };
  useEffect(() => {
    if (error !== undefined && tried.current !== from) again();
    tried.current = from;
  }, [from, error]);
  useEffect(() => {
    if (!alone || error === undefined) return undefined;
    const timer = setInterval(again, SELF_RETRY_MS);
    return () => clearInterval(timer);
  }, [alone, error]);
  if (error === undefined) return <Fragment key={tries.value}>{children}</Fragment>;
  const Place = item ? "li" : "div";
  return (
    <Place class="note note-bad" role="alert">
      <p>{t.value.undrawn.what(what)}</p>
      <p>
        <Said>{error instanceof Error ? error.message : String(error)}</Said>
      </p>
      <button type="button" class="button button-small" onClick={again}>
        {t.value.again}
      </button>{" "}
      <button type="button" class="button button-small" onClick={() => location.reload()}>
        {t.value.undrawn.reload}
      </button>
    </Place>
  );
}
