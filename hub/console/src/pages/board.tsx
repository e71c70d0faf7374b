/**
 * The board: open cases, P1 in a place of their own, the rest by severity and age. New cases never move
 * what is under the cursor or has keyboard focus.
 */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { HELD_MAX, listState, loadOpenCases, openBySeverity, openCases } from "../data/cases";
import { type CaseSummary, SEVERITIES } from "../data/types";
import { acknowledge } from "../duty/actions";
import { commandOf } from "../duty/keys";
import { beginStep, STEP_KEYS } from "../duty/quick";
import { muteUntilNext, ringingCases } from "../duty/shift";
import { useZone, type Zone } from "../duty/zone";
import { problemInWords, t } from "../i18n";
import { waits } from "../logic/loop";
import { byUrgency, neighbour, passes, unacknowledgedFirst } from "../logic/order";
import { go } from "../logic/route";
import { CaseRow } from "../parts/case-row";
import { FilterBar, filterNow } from "../parts/filter-bar";
import { helpOpen } from "../parts/keys-help";
import { P1Card } from "../parts/p1-card";
import { SeverityShape } from "../parts/severity";

interface ZoneGiven {
  zone: Zone;
  selected: number | null;
  target: number | null;
  select: (id: number) => void;
}

function P1Zone({ zone, selected, target, select }: ZoneGiven) {
  const words = t.value.board;
  const real = zone.shown.filter((found) => !found.is_drill);
  const waiting = real.filter(waits).length;
  const drills = zone.shown.length - real.length;
  const some = zone.shown.length > 0;
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
          {zone.shown.map((found) => (
            <P1Card
              key={found.id}
              found={found}
              selected={selected === found.id}
              target={target === found.id}
              select={select}
            />
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

/** New cases that wait while the list is held still, by severity. */
function Waiting({ zone }: { zone: Zone }) {
  const words = t.value.board;
  if (zone.waiting.length === 0) {
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
      <span>{words.waiting(zone.waiting.length)}</span>
      <kbd>N</kbd>
    </button>
  );
}

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
  if (state.is === "loaded" && state.truncated) {
    const total = SEVERITIES.reduce((sum, severity) => sum + openBySeverity.value[severity], 0);
    return (
      <p class="note note-warning">{words.truncated(Math.min(HELD_MAX, openCases.value.size), total)}</p>
    );
  }
  return null;
}

function CaseList({ zone, selected, target, select }: ZoneGiven) {
  const words = t.value.board;
  const empty = zone.shown.length === 0;
  const filter = filterNow();
  const filtered = filter.severities.size > 0 || filter.site !== null;
  return (
    <section class="list-zone" aria-labelledby="list-heading">
      <header class="zone-head">
        <h2 id="list-heading">{words.others}</h2>
        <FilterBar />
        <Waiting zone={zone} />
      </header>
      <ListNote empty={empty} />
      {empty ? (
        listState.value.is === "loaded" && (
          <p class="list-empty">{filtered ? words.filteredEmpty : words.othersEmpty}</p>
        )
      ) : (
        <ul class="list" {...zone.handlers}>
          {zone.shown.map((found) => (
            <CaseRow
              key={found.id}
              found={found}
              selected={selected === found.id}
              target={target === found.id}
              select={select}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

/** The case that A acknowledges must have stood still this long, so that nobody acknowledges unseen. */
const SETTLED_MS = 700;

/** The case that the key A acknowledges: the selected one, else the first P1 that waits. */
function targetOf(selected: number | null, p1: readonly CaseSummary[]): number | null {
  if (selected !== null) {
    const found = openCases.value.get(selected);
    return found !== undefined && waits(found) ? selected : null;
  }
  return p1.find(waits)?.id ?? null;
}

export function Board() {
  const selected = useSignal<number | null>(null);
  const filter = filterNow();
  const all = [...openCases.value.values()];
  const p1 = useZone(all.filter((found) => found.severity === "P1").sort(unacknowledgedFirst), true, "p1");
  const key = `${[...filter.severities].join()}|${filter.site ?? ""}`;
  const rest = all.filter((found) => found.severity !== "P1" && passes(filter, found)).sort(byUrgency);
  const others = useZone(rest, false, key);
  const target = targetOf(selected.value, p1.shown);
  const settled = useRef<{ id: number | null; at: number }>({ id: null, at: 0 });
  if (settled.current.id !== target) settled.current = { id: target, at: performance.now() };
  const select = (id: number) => {
    selected.value = id;
  };

  const press = (event: KeyboardEvent) => {
    const key = commandOf(event);
    const shown = [...p1.shown, ...others.shown].map((found) => found.id);
    const move = (step: number) => {
      const next = neighbour(shown, selected.value, step);
      if (next === null) return;
      const link = document.getElementById(`case-${next}`);
      link?.focus({ preventScroll: true });
      link?.closest("li")?.scrollIntoView({ block: "nearest" });
    };
    if (key === "j" || key === "ArrowDown") move(1);
    else if (key === "k" || key === "ArrowUp") move(-1);
    else if (key === "a") {
      const chosen = selected.value !== null || performance.now() - settled.current.at > SETTLED_MS;
      if (target !== null && chosen) acknowledge(target);
    } else if (key === "Enter") {
      const free = document.activeElement === document.body || document.activeElement === null;
      if (!free || selected.value === null) return;
      go(`/cases/${selected.value}`);
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
