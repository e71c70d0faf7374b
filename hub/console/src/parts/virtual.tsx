/**
 * Draws only the part of a long list that is near the window. Up to 200 rows everything is drawn, so that
 * searching in the page and reading by ear work as usual; beyond, spacers stand for the rest.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Lists up to this length are drawn whole. */
export const WHOLE_MAX = 200;
/** Rows drawn above and below the window, so that a quick scroll shows no gap. */
const MARGIN = 20;
const ROWS = 60;

/** Pure: which rows to draw of `count`, where the window begins `above` pixels into the list. */
export function windowOf(
  count: number,
  rowPx: number,
  above: number,
  heightPx: number,
  { margin = MARGIN, least = ROWS }: { margin?: number; least?: number } = {},
): [number, number] {
  if (count <= WHOLE_MAX) return [0, count];
  const first = Math.floor(Math.max(0, above) / rowPx) - margin;
  const shown = Math.max(least, Math.ceil(heightPx / rowPx) + 2 * margin);
  const from = Math.max(0, Math.min(first, count - shown));
  return [from, Math.min(count, from + shown)];
}

/** Pure: the parts to draw, as `[from, to)`: the window, and the selected row where it lies outside. */
export function partsOf(from: number, to: number, pinned: number): [number, number][] {
  if (pinned < 0 || (pinned >= from && pinned < to)) return [[from, to]];
  const pin: [number, number] = [pinned, pinned + 1];
  return pinned < from ? [pin, [from, to]] : [[from, to], pin];
}

/** A stand-in for rows that are not drawn; an SVG has a height without an inline style. */
export function Spacer({ px, table }: { px: number; table: boolean }) {
  if (px <= 0) return null;
  const box = <svg class="spacer" width="1" height={px} aria-hidden="true" focusable="false" />;
  return table ? (
    <tr class="spacer-row">
      <td class="spacer-cell">{box}</td>
    </tr>
  ) : (
    <li aria-hidden="true" class="spacer-row">
      {box}
    </li>
  );
}

export interface Virtual<E extends HTMLElement> {
  list: RefObject<E | null>;
  from: number;
  to: number;
  before: ComponentChildren;
  after: ComponentChildren;
}

export function useVirtual<E extends HTMLElement = HTMLUListElement>(
  count: number,
  rowPx: number,
  table = false,
): Virtual<E> {
  const list = useRef<E>(null);
  const seen = useSignal<[number, number]>([0, Math.min(count, ROWS)]);
  useLayoutEffect(() => {
    const look = () => {
      const top = list.current?.getBoundingClientRect().top ?? 0;
      const [from, to] = windowOf(count, rowPx, -top, innerHeight);
      const [a, b] = seen.peek();
      if (a !== from || b !== to) seen.value = [from, to];
    };
    look();
    // Captures: the list may scroll with the window or with a box around it.
    window.addEventListener("scroll", look, { passive: true, capture: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look, { capture: true });
      window.removeEventListener("resize", look);
    };
  }, [count, rowPx, seen]);
  const [from, to] = count <= WHOLE_MAX ? [0, count] : seen.value;
  return {
    list,
    from,
    to,
    before: <Spacer px={from * rowPx} table={table} />,
    after: <Spacer px={Math.max(0, count - to) * rowPx} table={table} />,
  };
}
