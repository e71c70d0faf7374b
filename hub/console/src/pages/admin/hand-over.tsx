/** Taking a shift over at a desk: what was handed over, by whom, and what was open then. */
import { useSignal } from "@preact/signals";
import { now as hubTime } from "../../data/clock";
import { type Desk, loadDesks, readTakeovers, type Takeover, takeOver } from "../../data/desks";
import { session } from "../../data/session";
import { at, t } from "../../i18n";
import { mayTakeOver } from "../../logic/takeover";
import { type Asked, Failure, Shown, useAsked, useDoing } from "../../parts/asked";
import { Link } from "../../parts/link";
import { Said } from "../../parts/said";
import { SeverityShape } from "../../parts/severity";

/** The hub keeps so many letters of a note. */
const NOTE_MAX = 2000;
/** Open cases of a takeover that are shown; the board has them all. */
const CASES_SHOWN = 12;

function TakeoverLine({ of }: { of: Takeover }) {
  const words = t.value.admin.roster;
  // Who had the shift before may have it again.
  const from = of.taken_from && of.taken_from !== of.taken_by ? of.taken_from : null;
  return (
    <>
      <p>
        <Said>{words.taken(of.taken_by, from)}</Said> · {at(of.at, hubTime.value)} · <Said>{of.shift}</Said> ·{" "}
        {words.openThen(of.open_cases)}
      </p>
      {of.note !== "" && (
        <p class="hand-over-note">
          <Said>{of.note}</Said>
        </p>
      )}
      {of.cases.length > 0 && (
        <ul class="hand-over-cases">
          {of.cases.slice(0, CASES_SHOWN).map((each) => (
            <li key={each.id}>
              <SeverityShape severity={each.severity} /> <Link to={`/cases/${each.id}`}>{each.number}</Link>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Earlier({ asked }: { asked: Asked<{ items: Takeover[] }> }) {
  const words = t.value.admin.roster;
  return (
    <Shown asked={asked}>
      {({ items }) => (
        <ol class="hand-overs">
          {items.map((each) => (
            <li key={each.id}>
              <TakeoverLine of={each} />
            </li>
          ))}
          {items.length === 0 && <li class="panel-hint">{words.noTakeovers}</li>}
        </ol>
      )}
    </Shown>
  );
}

export function HandOver({ desk }: { desk: Desk }) {
  const words = t.value.admin.roster;
  const note = useSignal("");
  const earlier = useSignal(false);
  const { busy, error, run } = useDoing();
  const who = session.value.is === "signed-in" ? session.value.session.username : "";
  // The newest takeovers: a colleague's later one does not ask this person again.
  const taken = useAsked(() => readTakeovers(desk.area), desk.last_takeover?.id ?? 0);
  const known = taken.value.value?.items;
  const mine = known !== undefined && mayTakeOver(desk, known, who, hubTime.value);
  const last = desk.last_takeover;
  return (
    <div class="hand-over">
      <h4>{words.takeovers}</h4>
      {last ? <TakeoverLine of={last} /> : <p class="panel-hint">{words.noTakeovers}</p>}
      {mine && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            run(async () => {
              await takeOver(desk.area, note.value.trim());
              note.value = "";
              await loadDesks();
            });
          }}
        >
          <label class="field">
            {words.handedOver}
            <textarea
              rows={3}
              maxLength={NOTE_MAX}
              value={note.value}
              onInput={(event) => {
                note.value = event.currentTarget.value;
              }}
            />
          </label>
          <Failure error={error.value} />
          <button type="submit" class="button button-primary" disabled={busy.value}>
            {words.takeOver}
          </button>
        </form>
      )}
      <button
        type="button"
        class="button button-small"
        aria-expanded={earlier.value}
        onClick={() => {
          earlier.value = !earlier.value;
        }}
      >
        {words.earlier}
        <span class="visually-hidden"> {desk.area}</span>
      </button>
      {earlier.value && <Earlier asked={taken} />}
    </div>
  );
}
