/** Rosters: who is on duty now, when nobody will be, and the two changes of every day: a substitute, an absence. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Roster, type RosterShift, type RosterView, readRoster, writeRoster } from "../../data/admin";
import { now as hubTime } from "../../data/clock";
import { type Desk, desks, desksError, loadDesks } from "../../data/desks";
import { at, said, t } from "../../i18n";
import { Failure, Shown, useAsked, useDoing } from "../../parts/asked";
import { Said } from "../../parts/said";
import { HandOver } from "./hand-over";

/** What a `datetime-local` field gives is the browser's local time. */
const instant = (local: string) => new Date(local).toISOString();

function people(roster: Roster): string[] {
  const named = (roster.shifts ?? []).flatMap((shift) =>
    shift.crews.flatMap((crew) => [...crew.officers, crew.shift_leader ?? ""]),
  );
  return [...new Set([...named, roster.leader ?? ""])].filter((each) => each !== "").sort();
}

function ShiftCard({ shift }: { shift: RosterShift }) {
  const words = t.value.admin.roster;
  return (
    <li class="panel">
      <h4>
        <Said>{shift.name}</Said> {shift.from}–{shift.until}
      </h4>
      <p class="panel-hint">{words.turns(shift.turn_days ?? 1, shift.first_day)}</p>
      <ol class="admin-crews">
        {shift.crews.map((crew, index) => (
          <li key={index}>
            <Said>{crew.officers.join(t.value.joiner)}</Said>
            {crew.shift_leader && (
              <>
                {" "}
                <span class="tag">
                  {words.leader} <Said>{crew.shift_leader}</Said>
                </span>
              </>
            )}
          </li>
        ))}
      </ol>
    </li>
  );
}

interface ChangeGiven {
  view: RosterView;
  save: (roster: Roster) => void;
  busy: boolean;
}

/** Somebody does not come; with `by` somebody else comes instead. */
function NewChange({ view, save, busy }: ChangeGiven) {
  const words = t.value.admin.roster;
  const who = useSignal("");
  const by = useSignal("");
  const from = useSignal("");
  const until = useSignal("");
  const note = useSignal("");
  const known = people(view.roster);
  const ready = who.value !== "" && from.value !== "" && until.value !== "";
  const add = () => {
    const span = { from: instant(from.value), until: instant(until.value) };
    const more = note.value.trim() === "" ? {} : { note: note.value.trim() };
    const { roster } = view;
    if (by.value.trim() === "") {
      save({ ...roster, absences: [...(roster.absences ?? []), { who: who.value, ...span, ...more }] });
    } else {
      const change = { of: who.value, by: by.value.trim(), ...span, ...more };
      save({ ...roster, substitutions: [...(roster.substitutions ?? []), change] });
    }
  };
  return (
    <form
      class="admin-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) add();
      }}
    >
      <label class="field">
        {words.who}
        <select
          value={who.value}
          onChange={(event) => {
            who.value = event.currentTarget.value;
          }}
        >
          <option value="">{t.value.case.choose}</option>
          {known.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        {words.by}
        <input
          value={by.value}
          placeholder={words.nobody}
          onInput={(event) => {
            by.value = event.currentTarget.value;
          }}
        />
      </label>
      {(
        [
          [words.from, from],
          [words.until, until],
        ] as const
      ).map(([name, value]) => (
        <label key={name} class="field">
          {name}
          <input
            type="datetime-local"
            value={value.value}
            onInput={(event) => {
              value.value = event.currentTarget.value;
            }}
          />
        </label>
      ))}
      <label class="field">
        {words.note}
        <input
          value={note.value}
          onInput={(event) => {
            note.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="button" disabled={!ready || busy}>
        {words.add}
      </button>
    </form>
  );
}

function Changes({ view, save, busy }: ChangeGiven) {
  const words = t.value.admin.roster;
  const { roster } = view;
  const now = hubTime.value;
  const substitutions = roster.substitutions ?? [];
  const absences = roster.absences ?? [];
  const without = <T,>(list: readonly T[], gone: T) => list.filter((each) => each !== gone);
  const button = (next: Roster, name: string) =>
    view.editable && (
      <button type="button" class="button button-small" disabled={busy} onClick={() => save(next)}>
        {t.value.admin.remove}
        <span class="visually-hidden"> {name}</span>
      </button>
    );
  return (
    <ul class="admin-changes">
      {substitutions.map((each) => (
        <li key={`${each.of} ${each.by} ${each.from}`}>
          <Said>{words.instead(each.by, each.of)}</Said> {at(each.from, now)} – {at(each.until, now)}{" "}
          {each.note && <Said class="panel-hint">{each.note}</Said>}{" "}
          {button({ ...roster, substitutions: without(substitutions, each) }, each.by)}
        </li>
      ))}
      {absences.map((each) => (
        <li key={`${each.who} ${each.from}`}>
          <Said>{words.absent(each.who)}</Said> {at(each.from, now)} – {at(each.until, now)}{" "}
          {each.note && <Said class="panel-hint">{each.note}</Said>}{" "}
          {button({ ...roster, absences: without(absences, each) }, each.who)}
        </li>
      ))}
      {substitutions.length + absences.length === 0 && <li class="panel-hint">{words.noChanges}</li>}
    </ul>
  );
}

function RosterDetail({ area, changed }: { area: string; changed: () => void }) {
  const words = t.value.admin.roster;
  const asked = useAsked(() => readRoster(area), area);
  const { busy, error, run } = useDoing();
  return (
    <Shown asked={asked}>
      {(view) => {
        const save = (roster: Roster) =>
          run(async () => {
            await writeRoster(roster, view.version);
            await asked.again();
            changed();
          });
        const given = { view, save, busy: busy.value };
        return (
          <>
            <ul class="admin-shifts">
              {(view.roster.shifts ?? []).map((shift) => (
                <ShiftCard key={shift.name} shift={shift} />
              ))}
            </ul>
            <h4>{words.changes}</h4>
            <Failure error={error.value} />
            <Changes {...given} />
            {view.editable && <NewChange {...given} />}
            <p class="panel-hint">{words.byFile}</p>
          </>
        );
      }}
    </Shown>
  );
}

function DeskCard({ desk, changed }: { desk: Desk; changed: () => void }) {
  const words = t.value.admin.roster;
  const open = useSignal(false);
  const now = hubTime.value;
  return (
    <li class="panel">
      <h3>
        <Said>{said(desk.area_name)}</Said> <span class="number">{desk.area}</span>
      </h3>
      {!desk.manned && <p class="note note-bad">{words.unmanned}</p>}
      {desk.missing.map((each) => (
        <p key={each.kind} class="note note-bad">
          <Said>{said(each.detail)}</Said> · {at(each.began_at, now)}
        </p>
      ))}
      {desk.shift && (
        <p>
          <Said>{desk.shift.name}</Said> {at(desk.shift.from, now)} – {at(desk.shift.until, now)}
        </p>
      )}
      <ol>
        {desk.on_duty.map((each) => (
          <li key={each.username}>
            <Said>{each.display_name}</Said> <span class="tag">{words.role[each.role] ?? each.role}</span>{" "}
            {!each.console ? (
              <span class="warning">{words.noConsole}</span>
            ) : (
              <span class={each.console.armed ? "good" : "warning"}>
                {each.console.armed ? words.armed : words.unarmed}
              </span>
            )}
          </li>
        ))}
      </ol>
      {desk.gaps.length > 0 && (
        <div class="note note-warning">
          {words.gaps}
          <ul>
            {desk.gaps.slice(0, 10).map((gap) => (
              <li key={gap.from}>
                {at(gap.from, now)} – {at(gap.until, now)}
              </li>
            ))}
          </ul>
        </div>
      )}
      <HandOver desk={desk} />
      <button
        type="button"
        class="button button-small"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        {words.roster}
        <span class="visually-hidden"> {desk.area}</span>
      </button>
      {open.value && <RosterDetail area={desk.area} changed={changed} />}
    </li>
  );
}

export function RosterSection() {
  useEffect(() => void loadDesks(), []);
  const words = t.value.admin.roster;
  const all = desks.value;
  return (
    <section>
      <div class="admin-tools">
        <a class="button button-small" href="/api/v1/duty/shifts.ics" download="shifts.ics">
          {words.own}
        </a>
      </div>
      <Failure error={desksError.value} again={loadDesks} />
      {all === null && desksError.value === null && <p class="note">{t.value.loading}</p>}
      {all?.length === 0 && <p class="list-empty">{words.none}</p>}
      {all !== null && all.length > 0 && (
        <ul class="admin-cards">
          {all.map((desk) => (
            <DeskCard key={desk.area} desk={desk} changed={() => void loadDesks()} />
          ))}
        </ul>
      )}
    </section>
  );
}
