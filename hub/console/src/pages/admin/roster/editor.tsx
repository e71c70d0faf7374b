/**
 * Changing a roster: everything in one draft, which is saved as a whole with the version that it was made from.
 * Nothing that was typed is ever thrown away without being asked: not by a refusal, not by a colleague's change.
 */
import { useSignal } from "@preact/signals";
import { useContext, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { now as hubTime } from "../../../data/clock";
import { ApiError } from "../../../data/http";
import { dropRosterDraft, keepRosterDraft, type RosterDraft } from "../../../data/roster-drafts";
import { isStale, problemsOf, type Roster, readRoster, writeRoster } from "../../../data/rosters";
import { problemInWords, t } from "../../../i18n";
import { dateOf, localDay, peopleIn } from "../../../logic/roster";
import { type Lack, lacksIn, nextShift, put, sameRoster, tidy, without } from "../../../logic/roster-draft";
import { Failure, useDoing } from "../../../parts/asked";
import { Icon } from "../../../parts/icons";
import { Said } from "../../../parts/said";
import { Changes, NewChange } from "./changes";
import { People, PersonChoice } from "./people";
import { Preview } from "./preview";
import { ShiftForm } from "./shift-form";

/** Puts the focus where a change has left it: on the first of the named elements that can have it. */
function useFocusNext(): (...ids: string[]) => void {
  const wanted = useRef<string[]>([]);
  useLayoutEffect(() => {
    const found = wanted.current
      .map((id) => document.getElementById(id))
      .find((each) => each !== null && !(each instanceof HTMLButtonElement && each.disabled));
    wanted.current = [];
    found?.focus();
  });
  return (...ids) => {
    wanted.current = ids;
  };
}

function Lacks({ found }: { found: readonly Lack[] }) {
  const words = t.value.admin.roster;
  if (found.length === 0) return null;
  return (
    <ul class="findings" role="alert">
      {found.map(({ what, shift, name, crew }) => (
        <li key={`${what} ${shift} ${crew}`} class="finding finding-error">
          <Said>
            {words.lack(
              words.shiftNamed(name, shift + 1),
              words.field[what],
              crew === undefined ? null : crew + 1,
            )}
          </Said>
        </li>
      ))}
    </ul>
  );
}

/** Why it was not saved: a colleague's change, every problem that the hub names, or something else. */
function Refused({ error, load, busy }: { error: unknown; load: () => void; busy: boolean }) {
  const words = t.value.admin.roster;
  if (isStale(error))
    return (
      <div class="note note-bad" role="alert">
        <p>{words.stale}</p>
        <p>
          <Said>{problemInWords(error)}</Said>
        </p>
        <button type="button" class="button button-small" disabled={busy} onClick={load}>
          {words.loadNew}
        </button>
      </div>
    );
  const problems = problemsOf(error);
  if (problems.length === 0) return <Failure error={error} />;
  return (
    <div role="alert">
      <p class="form-error">{words.problems(problems.length)}</p>
      <ul class="findings">
        {problems.map((each, index) => (
          <li key={index} class="finding finding-error">
            <Said>{each}</Said>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Shifts({ roster, change }: { roster: Roster; change: (roster: Roster) => void }) {
  const words = t.value.admin.roster;
  const focus = useFocusNext();
  const shifts = roster.shifts ?? [];
  const open = useSignal<number | null>(shifts.length === 1 ? 0 : null);
  const named = peopleIn(roster);
  const to = (next: Roster["shifts"]) => change({ ...roster, shifts: next ?? [] });
  const id = (at: number) => `roster-${roster.area}-s${at}`;
  return (
    <>
      <h4>{words.shifts}</h4>
      {shifts.length === 0 && <p class="panel-hint">{words.noShifts}</p>}
      <ol class="roster-shifts">
        {shifts.map((shift, at) => (
          <ShiftForm
            key={at}
            id={id(at)}
            shift={shift}
            index={at}
            open={open.value === at}
            named={named}
            toggle={() => {
              open.value = open.value === at ? null : at;
            }}
            change={(next) => to(put(shifts, at, next))}
            remove={() => {
              open.value = null;
              to(without(shifts, at));
              focus(`${id(Math.max(0, at - 1))}-remove`, `roster-${roster.area}-add`);
            }}
            focus={focus}
          />
        ))}
      </ol>
      <button
        type="button"
        id={`roster-${roster.area}-add`}
        class="button button-small"
        onClick={() => {
          const offset = -new Date(hubTime.peek()).getTimezoneOffset();
          const today = dateOf(localDay(hubTime.peek(), offset));
          to([...shifts, nextShift(roster, today, words.shiftNames)]);
          open.value = shifts.length;
          focus(`${id(shifts.length)}-name`);
        }}
      >
        <Icon name="plus" />
        {words.addShift}
      </button>
    </>
  );
}

/** Who of the hub's people cannot sign in: the places that they are named for stay empty. */
export function useGone(): ReadonlySet<string> {
  const people = useContext(People);
  return useMemo(
    () => new Set((people ?? []).filter((each) => each.disabled_at).map((each) => each.username)),
    [people],
  );
}

export function RosterEditor({ draft, done }: { draft: RosterDraft; done: () => void }) {
  const words = t.value.admin.roster;
  const { roster, before, version } = draft;
  const { busy, error, run } = useDoing();
  const tried = useSignal(false);
  const leaving = useSignal(false);
  const gone = useGone();
  const change = (next: Roster) => keepRosterDraft({ version, before, roster: next });
  const leave = () => {
    dropRosterDraft(roster.area);
    done();
  };
  const save = () => {
    tried.value = true;
    if (lacksIn(roster).length > 0) return;
    run(async () => {
      await writeRoster(tidy(roster), version);
      leave();
    });
  };
  const loadNew = () =>
    run(async () => {
      try {
        const view = await readRoster(roster.area);
        keepRosterDraft({ version: view.version, before: view.roster, roster: view.roster });
        tried.value = false;
      } catch (cause) {
        // A colleague has taken it away: there is nothing to change any more.
        if (!(cause instanceof ApiError) || cause.problem.status !== 404) throw cause;
        leave();
      }
    });
  return (
    <div class="roster-editor">
      <div class="roster-form">
        <Shifts roster={roster} change={change} />
        <PersonChoice
          label={words.rosterLeader}
          name={`roster-${roster.area}-leader`}
          value={roster.leader ?? ""}
          nobody={words.widerLeader}
          also={peopleIn(roster)}
          choose={(each) => change({ ...roster, leader: each === "" ? null : each })}
        />
        <h4>{words.changes}</h4>
        <Changes roster={roster} save={change} busy={busy.value} />
        <NewChange roster={roster} save={change} busy={busy.value} />
        {tried.value && <Lacks found={lacksIn(roster)} />}
        <Refused error={error.value} load={loadNew} busy={busy.value} />
        <div class="dialog-buttons">
          <button type="button" class="button button-primary" disabled={busy.value} onClick={save}>
            {t.value.admin.save}
          </button>
          {leaving.value ? (
            <>
              <span role="status">{words.undoSure}</span>
              <button type="button" class="button" onClick={leave}>
                {words.undo}
              </button>
              <button
                type="button"
                class="button"
                onClick={() => {
                  leaving.value = false;
                }}
              >
                {t.value.cancel}
              </button>
            </>
          ) : (
            <button
              type="button"
              class="button"
              onClick={() => {
                if (sameRoster(before, roster)) leave();
                else leaving.value = true;
              }}
            >
              {words.close}
            </button>
          )}
        </div>
      </div>
      <Preview roster={roster} gone={gone} />
    </div>
  );
}
