/** The two changes of every day: a substitute, an absence. */
import { useSignal } from "@preact/signals";
import { now as hubTime } from "../../../data/clock";
import type { Roster } from "../../../data/rosters";
import { at, t } from "../../../i18n";
import { peopleIn } from "../../../logic/roster";
import { Said } from "../../../parts/said";
import { PersonChoice } from "./people";

/** What a `datetime-local` field gives is the browser's local time. */
const instant = (local: string) => new Date(local).toISOString();

interface ChangeGiven {
  roster: Roster;
  save: (roster: Roster) => void;
  busy: boolean;
}

/** Somebody does not come; with `by` somebody else comes instead. */
export function NewChange({ roster, save, busy }: ChangeGiven) {
  const words = t.value.admin.roster;
  const who = useSignal("");
  const by = useSignal("");
  const from = useSignal("");
  const until = useSignal("");
  const note = useSignal("");
  const known = peopleIn(roster);
  const ready = who.value !== "" && from.value !== "" && until.value !== "";
  const add = () => {
    const span = { from: instant(from.value), until: instant(until.value) };
    const more = note.value.trim() === "" ? {} : { note: note.value.trim() };
    if (by.value === "") {
      save({ ...roster, absences: [...(roster.absences ?? []), { who: who.value, ...span, ...more }] });
    } else {
      const change = { of: who.value, by: by.value, ...span, ...more };
      save({ ...roster, substitutions: [...(roster.substitutions ?? []), change] });
    }
  };
  return (
    <form
      class="admin-form roster-change"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) add();
      }}
    >
      <label class="field">
        {words.who}
        <select
          name="who"
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
      <PersonChoice
        label={words.by}
        name="by"
        value={by.value}
        nobody={words.nobody}
        except={[who.value]}
        also={known}
        choose={(each) => {
          by.value = each;
        }}
      />
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

/** The changes that there are; with `save` each can be taken out. */
export function Changes({
  roster,
  save,
  busy,
}: Omit<ChangeGiven, "save"> & { save: ChangeGiven["save"] | null }) {
  const words = t.value.admin.roster;
  const now = hubTime.value;
  const substitutions = roster.substitutions ?? [];
  const absences = roster.absences ?? [];
  const without = <T,>(list: readonly T[], gone: T) => list.filter((each) => each !== gone);
  const button = (next: Roster, name: string) =>
    save !== null && (
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
