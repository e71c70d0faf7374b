/** The roster of a desk: what it says, the changes of the day, and what it comes to; from here it is changed. */
import { useSignal } from "@preact/signals";
import { dropRosterDraft, keepRosterDraft, rosterDrafts } from "../../../data/roster-drafts";
import {
  type Roster,
  type RosterShift,
  type RosterView,
  readRoster,
  removeRoster,
  writeRoster,
} from "../../../data/rosters";
import { said, t } from "../../../i18n";
import { Failure, Shown, useAsked, useDoing } from "../../../parts/asked";
import { Dialog } from "../../../parts/dialog";
import { Said } from "../../../parts/said";
import { Changes, NewChange } from "./changes";
import { RosterEditor, useGone } from "./editor";
import { useNames } from "./people";
import { Preview } from "./preview";

function ShiftCard({ shift }: { shift: RosterShift }) {
  const words = t.value.admin.roster;
  const called = useNames();
  const kind = shift.days ?? "every_day";
  const weekdays = (shift.weekdays ?? []).map((day) => t.value.admin.silence.day[day]);
  return (
    <li class="panel">
      <h4>
        <Said>{shift.name}</Said> {shift.from}–{shift.until}
      </h4>
      <p class="panel-hint">
        {[
          words.turns(shift.turn_days ?? 1, shift.first_day),
          ...(kind === "every_day" ? [] : [words.dayKinds[kind]]),
          ...(weekdays.length === 0 ? [] : [weekdays.join(t.value.joiner)]),
        ].join(" · ")}
      </p>
      <ol class="admin-crews">
        {shift.crews.map((crew, index) => (
          <li key={index}>
            <Said>{crew.officers.map(called).join(t.value.joiner)}</Said>
            {crew.shift_leader && (
              <>
                {" "}
                <span class="tag">
                  {words.leader} <Said>{called(crew.shift_leader)}</Said>
                </span>
              </>
            )}
          </li>
        ))}
      </ol>
    </li>
  );
}

function Remove({ area, view, done }: { area: string; view: RosterView; done: () => void }) {
  const words = t.value.admin.roster;
  const asking = useSignal(false);
  const { busy, error, run } = useDoing();
  const close = () => {
    asking.value = false;
  };
  return (
    <>
      <button
        type="button"
        class="button button-small"
        onClick={() => {
          error.value = null;
          asking.value = true;
        }}
      >
        {words.removeRoster}
        <span class="visually-hidden"> {area}</span>
      </button>
      {asking.value && (
        <Dialog title={t.value.admin.removeSure(`${words.roster} ${said(view.area_name)}`)} close={close}>
          <p>{words.removeMeans}</p>
          <Failure error={error.value} />
          <div class="dialog-buttons">
            <button
              type="button"
              class="button button-primary"
              disabled={busy.value}
              onClick={() =>
                run(async () => {
                  await removeRoster(area, view.version);
                  close();
                  done();
                })
              }
            >
              {t.value.admin.remove}
            </button>
            <button type="button" class="button" onClick={close}>
              {t.value.cancel}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

interface ReadGiven {
  area: string;
  view: RosterView;
  again: () => Promise<void>;
  changed: () => void;
}

function ReadRoster({ area, view, again, changed }: ReadGiven) {
  const words = t.value.admin.roster;
  const { busy, error, run } = useDoing();
  const gone = useGone();
  const { roster, version } = view;
  const save = (next: Roster) =>
    run(async () => {
      await writeRoster(next, version);
      await again();
      changed();
    });
  const given = { roster, busy: busy.value };
  return (
    <div class="roster-editor">
      <div class="roster-form">
        <ul class="admin-shifts">
          {(roster.shifts ?? []).map((shift) => (
            <ShiftCard key={shift.name} shift={shift} />
          ))}
        </ul>
        {roster.leader && (
          <p>
            {words.rosterLeader}
            {t.value.colon}
            <Said>{roster.leader}</Said>
          </p>
        )}
        {view.editable && (
          <div class="admin-tools">
            <button
              type="button"
              class="button button-small"
              onClick={() => keepRosterDraft({ version, before: roster, roster })}
            >
              {words.edit}
              <span class="visually-hidden"> {area}</span>
            </button>
            <Remove area={area} view={view} done={changed} />
          </div>
        )}
        <h4>{words.changes}</h4>
        <Failure error={error.value} />
        <Changes {...given} save={view.editable ? save : null} />
        {view.editable && <NewChange {...given} save={save} />}
      </div>
      <Preview roster={roster} gone={gone} />
    </div>
  );
}

/** The roster of a desk; `version` is the newest that is known, so that a colleague's change is read. */
export function RosterDetail({
  area,
  version,
  changed,
}: {
  area: string;
  version: number;
  changed: () => void;
}) {
  const draft = rosterDrafts.value.get(area);
  const asked = useAsked(() => readRoster(area), version);
  if (draft !== undefined) {
    const done = () => {
      dropRosterDraft(area);
      void asked.again();
      changed();
    };
    return <RosterEditor draft={draft} done={done} />;
  }
  return (
    <Shown asked={asked}>
      {(view) => <ReadRoster area={area} view={view} again={asked.again} changed={changed} />}
    </Shown>
  );
}
