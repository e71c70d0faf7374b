/**
 * One list of the board that can be held still: by the pointer over it, by keyboard focus in it, and for
 * a moment after a touch. Keeps what it shows while it is held, ended cases included.
 */
import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { endedCases, openCases } from "../data/cases";
import type { CaseSummary } from "../data/types";
import { type Key, type Line, lineOf } from "../logic/lines";
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

/** A line as it is drawn: a case by itself, a group, or a case under the group that stands open. */
export interface Row extends Line {
  within: string | null;
}

export interface Zone {
  rows: Row[];
  waiting: CaseSummary[];
  held: Signal<boolean>;
  handlers: HoldHandlers;
  /** Lets the list take its present order once, still held afterwards. */
  refresh: () => void;
  /** How often that was done. */
  turn: number;
}

/** Whether a list is held now, and what tells it. */
export interface Hold {
  held: Signal<boolean>;
  handlers: HoldHandlers;
}

export function useHold(): Hold {
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

/** What a zone showed last. */
export interface Shown {
  key: string;
  keys: Key[];
  /** The cases under each group that stands open, in their order. */
  under: Map<string, number[]>;
  /** What stood there last, for what has ended meanwhile. */
  lines: Map<Key, Line>;
}

export const NOTHING: Shown = { key: "", keys: [], under: new Map(), lines: new Map() };

type Find = (id: number) => CaseSummary | undefined;

/** A group as it is now; one that is gone with its cases as they are now. */
function groupNow(line: Line, find: Find): Line {
  if (line.group === null) return line;
  const cases = line.group.cases.map((found) => find(found.id) ?? found);
  return { ...line, group: { ...line.group, cases } };
}

function lineNow(key: Key, fresh: ReadonlyMap<Key, Line>, last: Shown, find: Find): Line | null {
  const known = fresh.get(key);
  if (known !== undefined) return known;
  const found = typeof key === "number" ? find(key) : undefined;
  if (found !== undefined) return lineOf(found);
  const line = last.lines.get(key);
  return line === undefined ? null : groupNow(line, find);
}

/** The cases under a group that stands open; new ones wait as they do in the list. */
function rowsUnder(line: Line, last: Shown, still: boolean, find: Find): Row[] {
  const { group, key } = line;
  if (group === null) return [];
  const fresh = new Map(group.cases.map((found) => [found.id, found]));
  const before = last.under.get(group.key);
  const { shown } = hold(before ?? [], [...fresh.keys()], still && before !== undefined, false);
  return shown.flatMap((id) => {
    const found = fresh.get(id) ?? find(id) ?? last.lines.get(id)?.found;
    return found === undefined ? [] : [{ ...lineOf(found), within: String(key) }];
  });
}

/** The cases of `wanted` that no row shows, neither by itself nor in a group. */
function notShown(wanted: readonly Line[], rows: readonly Row[], open: ReadonlySet<string>): CaseSummary[] {
  const seen = new Set<number>();
  for (const { found, group } of rows) {
    if (group === null) seen.add(found.id);
    else if (!open.has(group.key)) for (const each of group.cases) seen.add(each.id);
  }
  const all = wanted.flatMap(({ found, group }) => group?.cases ?? [found]);
  return all.filter((found) => !seen.has(found.id));
}

/** What a zone is given. */
export interface Given {
  /** The list in its present order. */
  wanted: readonly Line[];
  /** Groups that stand open. */
  open: ReadonlySet<string>;
  /** Whether new lines show at the end while the list is held. */
  append: boolean;
  /** Its change (such as another filter) shows everything anew. */
  key: string;
}

/** Pure: what is shown, given what was shown; `find` knows the cases as they are now, ended ones too. */
export function show({ wanted, open, append, key }: Given, last: Shown, still: boolean, find: Find) {
  const fresh = new Map(wanted.map((line) => [line.key, line]));
  const { shown } = hold(last.keys, [...fresh.keys()], still, append);
  const next: Shown = { key, keys: shown, under: new Map(), lines: new Map() };
  const rows: Row[] = [];
  for (const each of shown) {
    const line = lineNow(each, fresh, last, find);
    if (line === null) continue;
    rows.push({ ...line, within: null });
    next.lines.set(line.key, line);
    if (line.group === null || !open.has(line.group.key)) continue;
    const under = rowsUnder(line, last, still, find);
    next.under.set(
      line.group.key,
      under.map((row) => row.found.id),
    );
    for (const row of under) {
      rows.push(row);
      next.lines.set(row.key, row);
    }
  }
  const waiting = still ? notShown(wanted, rows, open) : [];
  return { rows, waiting, next };
}

/** The lines of a zone, held still where they have to be. */
export function useZone(given: Given, { held, handlers }: Hold): Zone {
  const turn = useSignal(0);
  const last = useRef(NOTHING);
  const forced = useRef(-1);
  const made = useRef<{ inputs: unknown[]; rows: Row[]; waiting: CaseSummary[] } | null>(null);
  const still = held.value && last.current.key === given.key && forced.current === turn.value;
  forced.current = turn.value;
  const [open, ended] = [openCases.value, endedCases.value];
  // Moving the selection draws anew without changing any of these; ordering 10,000 lines is saved then.
  const inputs = [given.wanted, given.open, given.key, still, open, ended];
  if (made.current === null || inputs.some((input, at) => input !== made.current?.inputs[at])) {
    const find: Find = (id) => open.get(id) ?? ended.get(id);
    const { rows, waiting, next } = show(given, last.current, still, find);
    last.current = next;
    made.current = { inputs, rows, waiting };
  }
  return {
    rows: made.current.rows,
    waiting: made.current.waiting,
    held,
    handlers,
    turn: turn.value,
    refresh: () => {
      turn.value += 1;
    },
  };
}
