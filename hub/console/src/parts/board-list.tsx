/**
 * The rows of the board's list. Beyond 200 rows only those near the window are drawn, all of one height, with
 * spacers for the rest; the selected row is always drawn, so that it keeps the focus and the keys work on from it.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { HoldHandlers, Row } from "../duty/zone";
import type { Key } from "../logic/lines";
import { CaseRow } from "./case-row";
import { GroupRow } from "./group-row";
import { Guard } from "./guard";
import { partsOf, Spacer, WHOLE_MAX, windowOf } from "./virtual";

/** Before the first row is measured. */
const ROW_PX = 85;
/** A row of the board has much in it, so that fewer than elsewhere are drawn ahead. */
const AHEAD = { margin: 10, least: 20 };

/** From the top of one row to the top of the next. */
function pitchOf(list: Element): number | null {
  const rows = [...list.querySelectorAll(":scope > .row")];
  for (const [at, row] of rows.entries()) {
    const next = rows[at + 1];
    if (next !== undefined && row.nextElementSibling === next) {
      return next.getBoundingClientRect().top - row.getBoundingClientRect().top;
    }
  }
  return null;
}

interface Given {
  rows: readonly Row[];
  handlers: HoldHandlers;
  selected: Key | null;
  target: number | null;
  select: (key: Key) => void;
}

function useWindow(count: number) {
  const list = useRef<HTMLUListElement>(null);
  const pitch = useSignal(ROW_PX);
  const seen = useSignal<[number, number]>([0, Math.min(count, 2 * AHEAD.least)]);
  useLayoutEffect(() => {
    const measure = () => {
      const measured = list.current === null || count <= WHOLE_MAX ? null : pitchOf(list.current);
      if (measured !== null && measured > 0 && Math.abs(measured - pitch.peek()) > 0.1)
        pitch.value = measured;
      look();
    };
    const look = () => {
      if (list.current === null || count <= WHOLE_MAX) return;
      const { top } = list.current.getBoundingClientRect();
      const [from, to] = windowOf(count, pitch.peek(), -top, innerHeight, AHEAD);
      const [a, b] = seen.peek();
      if (a !== from || b !== to) seen.value = [from, to];
    };
    measure();
    // Captures: the list scrolls with the window on narrow screens and with a box around it on wide ones.
    window.addEventListener("scroll", look, { passive: true, capture: true });
    window.addEventListener("resize", measure);
    return () => {
      window.removeEventListener("scroll", look, { capture: true });
      window.removeEventListener("resize", measure);
    };
  }, [count, pitch, seen]);
  // What ends may shorten the list below what was seen of it.
  const [from, to] = count <= WHOLE_MAX ? [0, count] : seen.value;
  return { list, pitch: pitch.value, from: Math.min(from, count), to: Math.min(to, count) };
}

export function BoardList({ rows, handlers, selected, target, select }: Given) {
  const long = rows.length > WHOLE_MAX;
  const { list, pitch, from, to } = useWindow(rows.length);
  const draw = (row: Row, at: number) => {
    const place = long ? { at: at + 1, of: rows.length } : undefined;
    const mine = selected === row.key;
    return row.group !== null ? (
      <GroupRow key={row.key} group={row.group} selected={mine} select={select} place={place} />
    ) : (
      <Guard key={row.key} what={row.found.number} from={row.found} item>
        <CaseRow
          found={row.found}
          selected={mine}
          target={target === row.found.id}
          select={select}
          within={row.within !== null}
          place={place}
        />
      </Guard>
    );
  };
  const pinned = long && selected !== null ? rows.findIndex((row) => row.key === selected) : -1;
  const drawn: ComponentChildren[] = [];
  let at = 0;
  for (const [begin, end] of partsOf(from, to, pinned)) {
    if (begin > at) drawn.push(<Spacer key={`before-${begin}`} px={(begin - at) * pitch} table={false} />);
    drawn.push(...rows.slice(begin, end).map((row, index) => draw(row, begin + index)));
    at = end;
  }
  if (at < rows.length) drawn.push(<Spacer key="after" px={(rows.length - at) * pitch} table={false} />);
  return (
    <ul class={long ? "list list-long" : "list"} ref={list} {...handlers}>
      {drawn}
    </ul>
  );
}
