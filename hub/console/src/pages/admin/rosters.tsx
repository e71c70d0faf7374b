/** Rosters: who is on duty now, when nobody will be, and the roster of each desk, which is changed here. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { now as hubTime } from "../../data/clock";
import { type Desk, desks, desksError, loadDesks } from "../../data/desks";
import { rosterDrafts } from "../../data/roster-drafts";
import { readDeskPeople } from "../../data/rosters";
import { session } from "../../data/session";
import { at, said, t } from "../../i18n";
import { Failure, useAsked } from "../../parts/asked";
import { Said } from "../../parts/said";
import { HandOver } from "./hand-over";
import { RosterDetail } from "./roster/detail";
import { MakeRoster } from "./roster/make";
import { People } from "./roster/people";

/** Gaps that a card shows; the roster's preview has them all. */
const GAPS_SHOWN = 10;

function OnDutyNow({ desk }: { desk: Desk }) {
  const words = t.value.admin.roster;
  return (
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
  );
}

function DeskCard({ desk, changed }: { desk: Desk; changed: () => void }) {
  const words = t.value.admin.roster;
  const drafted = rosterDrafts.value.has(desk.area);
  // What was begun here is found again.
  const open = useSignal(drafted);
  const now = hubTime.value;
  return (
    <li class={open.value ? "panel roster-wide" : "panel"}>
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
      <OnDutyNow desk={desk} />
      {desk.gaps.length > 0 && (
        <div class="note note-warning">
          {words.gaps}
          <ul>
            {desk.gaps.slice(0, GAPS_SHOWN).map((gap) => (
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
      {drafted && !open.value && <span class="tag tag-warning">{words.unsaved}</span>}
      {open.value && <RosterDetail area={desk.area} version={desk.roster_version} changed={changed} />}
    </li>
  );
}

/** Who may change rosters where they see the area; the hub decides about every request itself. */
const EDITORS = ["administrator", "shift_leader"];

export function RosterSection() {
  useEffect(() => void loadDesks(), []);
  const words = t.value.admin.roster;
  const all = desks.value;
  const role = session.value.is === "signed-in" ? session.value.session.role : "";
  // Only administrators are told who there is; others name people by what they sign in with.
  const people = useAsked(async () => (role === "administrator" ? await readDeskPeople() : null), role);
  const changed = () => void loadDesks();
  return (
    <People.Provider value={people.value.value}>
      <section>
        <div class="admin-tools">
          <a class="button button-small" href="/api/v1/duty/shifts.ics" download="shifts.ics">
            {words.own}
          </a>
        </div>
        {all !== null && EDITORS.includes(role) && <MakeRoster desks={all} changed={changed} />}
        <Failure error={desksError.value} again={loadDesks} />
        {all === null && desksError.value === null && <p class="note">{t.value.loading}</p>}
        {all?.length === 0 && rosterDrafts.value.size === 0 && <p class="list-empty">{words.none}</p>}
        {all !== null && all.length > 0 && (
          <ul class="admin-cards">
            {all.map((desk) => (
              <DeskCard key={desk.area} desk={desk} changed={changed} />
            ))}
          </ul>
        )}
      </section>
    </People.Provider>
  );
}
