/**
 * The board: open cases, P1 in a place of their own, the rest by severity and age. New cases never move
 * what is under the cursor or has keyboard focus.
 */
import { computed, useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { HELD_MAX, listState, loadOpenCases, openBySeverity, openCases } from "../data/cases";
import { SEVERITIES } from "../data/types";
import { acknowledge } from "../duty/actions";
import { cardLines, listLines, p1Of } from "../duty/cards";
import { commandOf } from "../duty/keys";
import { openGroups, setGroupOpen } from "../duty/open-groups";
import { beginStep, STEP_KEYS } from "../duty/quick";
import { muteUntilNext, ringingCases } from "../duty/shift";
import { type Row, useHold, useZone, type Zone } from "../duty/zone";
import { problemInWords, t } from "../i18n";
import type { Key } from "../logic/lines";
import { waits } from "../logic/loop";
import { neighbour } from "../logic/order";
import { go } from "../logic/route";
import { BoardList } from "../parts/board-list";
import { type Calm, CalmLines, useCalm } from "../parts/calm-lines";
import { FilterBar, filterNow } from "../parts/filter-bar";
import { Guard } from "../parts/guard";
import { helpOpen } from "../parts/keys-help";
import { P1Card } from "../parts/p1-card";
import { SeverityShape } from "../parts/severity";

interface ZoneGiven {
  zone: Zone;
  selected: Key | null;
  target: number | null;
  select: (key: Key) => void;
}

function P1Zone({ zone, selected, target, select }: ZoneGiven) {
  const words = t.value.board;
  const cards = zone.rows.map((row) => row.found);
  const real = cards.filter((found) => !found.is_drill);
  const waiting = p1Waiting.value;
  const drills = cards.length - real.length;
  const some = cards.length > 0;
  return (
    <section class={waiting > 0 ? "p1-zone p1-zone-waits" : "p1-zone"} aria-labelledby="p1-heading">
      <header class="zone-head">
        <h2 id="p1-heading">
          <SeverityShape severity="P1" />
          {words.p1Zone}
        </h2>
        <span class="zone-note">
          {waiting > 0
            ? words.p1Unacknowledged(waiting)
            : real.length > 0
              ? words.p1AllAcknowledged
              : drills > 0
                ? words.p1Drills(drills)
                : words.p1NoFilter}
        </span>
      </header>
      {some ? (
        <ul class="p1-list" {...zone.handlers}>
          {cards.map((found) => (
            <Guard key={found.id} what={found.number} from={found} item>
              <P1Card
                found={found}
                selected={selected === found.id}
                target={target === found.id}
                select={select}
              />
            </Guard>
          ))}
        </ul>
      ) : (
        <div class="p1-empty">
          <SeverityShape severity="P1" />
          <p>{words.p1Empty}</p>
        </div>
      )}
    </section>
  );
}

/** What waits while the list is held still: new cases by severity, and news of floods and silences. */
function Waiting({ zone, calm }: { zone: Zone; calm: Calm }) {
  const words = t.value.board;
  if (zone.waiting.length === 0 && !calm.waits) {
    return <span class="zone-note">{zone.held.value ? words.heldNote : words.following}</span>;
  }
  return (
    <button type="button" class="waiting" onClick={zone.refresh}>
      {SEVERITIES.map((severity) => {
        const n = zone.waiting.filter((found) => found.severity === severity).length;
        return n === 0 ? null : (
          <span key={severity} class="waiting-part">
            <SeverityShape severity={severity} />
            {n}
          </span>
        );
      })}
      {zone.waiting.length > 0 && <span>{words.waiting(zone.waiting.length)}</span>}
      {calm.waits && <span>{t.value.calm.news}</span>}
      <kbd>N</kbd>
    </button>
  );
}

const totalOpen = computed(() =>
  SEVERITIES.reduce((sum, severity) => sum + openBySeverity.value[severity], 0),
);

function ListNote({ empty }: { empty: boolean }) {
  const words = t.value.board;
  const state = listState.value;
  if (state.is === "failed") {
    return (
      <div class="note note-bad" role="alert">
        {words.failed}
        {problemInWords(state.error)}
        <button type="button" class="button button-small" onClick={() => void loadOpenCases()}>
          {t.value.again}
        </button>
      </div>
    );
  }
  if (state.is === "loading" && empty) return <p class="note">{t.value.loading}</p>;
  if (state.is === "loaded" && !state.whole) {
    return <p class="note">{t.value.together.coming(openCases.value.size, totalOpen.value)}</p>;
  }
  if (state.is === "loaded" && state.truncated) {
    const held = Math.min(HELD_MAX, openCases.value.size);
    return <p class="note note-warning">{words.truncated(held, totalOpen.value)}</p>;
  }
  return null;
}

function CaseList({ zone, selected, target, select }: ZoneGiven) {
  const words = t.value.board;
  const empty = zone.rows.length === 0;
  const filter = filterNow();
  const filtered = filter.severities.size > 0 || filter.site !== null;
  const calm = useCalm(zone.held.value, zone.turn);
  return (
    <section class="list-zone" aria-labelledby="list-heading">
      <header class="zone-head">
        <h2 id="list-heading">{words.others}</h2>
        <FilterBar />
        <Waiting zone={zone} calm={calm} />
      </header>
      <CalmLines calm={calm} />
      <ListNote empty={empty} />
      {empty ? (
        listState.value.is === "loaded" && (
          <p class="list-empty">{filtered ? words.filteredEmpty : words.othersEmpty}</p>
        )
      ) : (
        <BoardList
          rows={zone.rows}
          handlers={zone.handlers}
          selected={selected}
          target={target}
          select={select}
        />
      )}
    </section>
  );
}

/** The case that A acknowledges must have stood still this long, so that nobody acknowledges unseen. */
const SETTLED_MS = 700;

const p1Cases = computed(() => p1Of(openCases.value.values()));
const p1Waiting = computed(() => p1Cases.value.filter((found) => waits(found) && !found.is_drill).length);

/** The cards and the list: a P1 is in one of them, whichever is held. */
function useZones(open: ReadonlySet<string>): { p1: Zone; others: Zone } {
  const [cardsHold, listHold] = [useHold(), useHold()];
  const inList = useRef<readonly Row[]>([]);
  const [all, cases] = [p1Cases.value, openCases.value];
  const heldRows = listHold.held.value ? inList.current : NO_ROWS;
  const wanted = useMemo(() => cardLines(all, heldRows), [all, heldRows]);
  const p1 = useZone({ wanted, open, append: true, key: "p1" }, cardsHold);
  const filter = filterNow();
  const key = `${[...filter.severities].join()}|${filter.site ?? ""}`;
  const beside = useMemo(() => listLines(cases.values(), filter, p1.rows), [cases, key, p1.rows]);
  const others = useZone({ wanted: beside, open, append: false, key }, listHold);
  inList.current = others.rows;
  return { p1, others };
}

const NO_ROWS: readonly Row[] = [];

/** The case that the key A acknowledges: the selected one, else the first P1 that waits. */
function targetOf(selected: Key | null, p1: readonly Row[]): number | null {
  if (selected !== null) {
    const found = typeof selected === "number" ? openCases.value.get(selected) : undefined;
    return found !== undefined && waits(found) ? found.id : null;
  }
  return p1.find(({ found }) => waits(found))?.found.id ?? null;
}

/** What holds the focus of a row. */
const focusOf = (key: Key) =>
  document.getElementById(typeof key === "number" ? `case-${key}` : `group-${key}`);

export function Board() {
  const selected = useSignal<Key | null>(null);
  const open = openGroups.value;
  const { p1, others } = useZones(open);
  const target = targetOf(selected.value, p1.rows);
  const settled = useRef<{ id: number | null; at: number }>({ id: null, at: 0 });
  if (settled.current.id !== target) settled.current = { id: target, at: performance.now() };
  const select = (chosen: Key) => {
    selected.value = chosen;
  };
  // A row that is not drawn is drawn once it is selected; only then it can be focused.
  const wanted = useRef<Key | null>(null);
  useLayoutEffect(() => {
    const link = wanted.current === null ? null : focusOf(wanted.current);
    if (link === null) return;
    wanted.current = null;
    link.focus({ preventScroll: true });
    link.closest("li")?.scrollIntoView({ block: "nearest" });
  });

  const press = (event: KeyboardEvent) => {
    const key = commandOf(event);
    const shown = [...p1.rows, ...others.rows].map((row) => row.key);
    const move = (step: number) => {
      const next = neighbour(shown, selected.value, step);
      if (next === null) return;
      wanted.current = next;
      if (next === selected.value) focusOf(next)?.focus();
      selected.value = next;
    };
    if (key === "j" || key === "ArrowDown") move(1);
    else if (key === "k" || key === "ArrowUp") move(-1);
    else if (key === "a") {
      const chosen = selected.value !== null || performance.now() - settled.current.at > SETTLED_MS;
      if (target !== null && chosen) acknowledge(target);
    } else if (key === "Enter") {
      const free = document.activeElement === document.body || document.activeElement === null;
      if (!free || selected.value === null) return;
      if (typeof selected.value === "number") go(`/cases/${selected.value}`);
      else setGroupOpen(selected.value, !open.has(selected.value));
    } else if ((key === "ArrowRight" || key === "ArrowLeft") && typeof selected.value === "string") {
      setGroupOpen(selected.value, key === "ArrowRight");
    } else if (key === "n") others.refresh();
    else if (key !== null && key in STEP_KEYS) {
      const chosen = typeof selected.value === "number" ? selected.value : target;
      const step = STEP_KEYS[key];
      if (chosen !== null && step !== undefined) beginStep(chosen, step);
    } else if (key === "m" && ringingCases.value.size > 0) muteUntilNext();
    else if (key === "?") helpOpen.value = true;
    else if (key === "Escape") {
      selected.value = null;
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    } else return;
    event.preventDefault();
  };
  const pressed = useRef(press);
  pressed.current = press;
  // Before the page is painted: a key pressed on what is seen must find its listener.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => pressed.current(event);
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);

  return (
    <main class="board" id="main">
      <h1 class="visually-hidden">{t.value.board.title}</h1>
      <P1Zone zone={p1} selected={selected.value} target={target} select={select} />
      <CaseList zone={others} selected={selected.value} target={target} select={select} />
    </main>
  );
}
