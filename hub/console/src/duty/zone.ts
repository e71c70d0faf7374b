/**
 * One list of the board that can be held still: by the pointer over it, by keyboard focus in it, and for
 * a moment after a touch. Keeps what it shows while it is held, ended cases included.
 */
import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { endedCases } from "../data/cases";
import type { CaseSummary } from "../data/types";
import { hold } from "../logic/order";

/** A finger has no hover: the list stays still this long after a touch. */
const AFTER_TOUCH_MS = 4000;

/** Handlers for the element around the list. */
export interface HoldHandlers {
  onPointerEnter: (event: PointerEvent) => void;
  onPointerLeave: (event: PointerEvent) => void;
  onFocusIn: (event: FocusEvent) => void;
  onFocusOut: (event: FocusEvent) => void;
}

export interface Zone {
  shown: CaseSummary[];
  waiting: CaseSummary[];
  held: Signal<boolean>;
  handlers: HoldHandlers;
  /** Lets the list take its present order once, still held afterwards. */
  refresh: () => void;
}

function useHold(): { held: Signal<boolean>; handlers: HoldHandlers } {
  const pointer = useSignal(false);
  const focus = useSignal(false);
  const held = useComputed(() => pointer.value || focus.value);
  const touch = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const handlers = useMemo<HoldHandlers>(
    () => ({
      onPointerEnter: () => {
        clearTimeout(touch.current);
        pointer.value = true;
      },
      onPointerLeave: (event) => {
        clearTimeout(touch.current);
        if (event.pointerType === "mouse") pointer.value = false;
        else {
          touch.current = setTimeout(() => {
            pointer.value = false;
          }, AFTER_TOUCH_MS);
        }
      },
      onFocusIn: (event) => {
        // A click leaves focus on its button; only focus by keyboard holds the list.
        focus.value = event.target instanceof Element && event.target.matches(":focus-visible");
      },
      onFocusOut: (event) => {
        const around = event.currentTarget as Element;
        if (!(event.relatedTarget instanceof Node && around.contains(event.relatedTarget)))
          focus.value = false;
      },
    }),
    [pointer, focus],
  );
  return { held: held as Signal<boolean>, handlers };
}

/**
 * `wanted` is the list in its present order; `append` lets new ones show at the end while held; a change
 * of `key` (such as the filter) shows everything anew.
 */
export function useZone(wanted: readonly CaseSummary[], append: boolean, key: string): Zone {
  const { held, handlers } = useHold();
  const before = useRef<{ key: string; ids: number[] }>({ key, ids: [] });
  const last = useRef(new Map<number, CaseSummary>());
  const turn = useSignal(0);
  const forced = useRef(-1);
  const fresh = new Map(wanted.map((found) => [found.id, found]));
  const still = held.value && before.current.key === key && forced.current === turn.value;
  forced.current = turn.value;
  const { shown, waiting } = hold(before.current.ids, [...fresh.keys()], still, append);
  before.current = { key, ids: shown };
  const ended = endedCases.value;
  const known = last.current;
  const cases = shown.flatMap((id) => fresh.get(id) ?? ended.get(id) ?? known.get(id) ?? []);
  last.current = new Map(cases.map((found) => [found.id, found]));
  const pick = (id: number) => fresh.get(id) ?? [];
  return {
    shown: cases,
    waiting: waiting.flatMap(pick),
    held,
    handlers,
    refresh: () => {
      turn.value += 1;
    },
  };
}
